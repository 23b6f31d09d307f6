// A table and a bucket for a test, on emulators, and how a server is started on them.

import { fileURLToPath } from 'node:url';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import { type Emulator, hasDynoxide, hasVersitygw, ledgerOn, localEnv, objectsOn, startDynoxide, startVersitygw } from './emulators.ts';
import { type ServerOptions, startFlags } from './server-process.ts';

export type Cloud = {
  readonly dynamo: Emulator;
  readonly s3: Emulator;
  /** For `spawnServer`: `wadi serve` on the table and the bucket. */
  readonly server: Pick<ServerOptions, 'entry' | 'nodeArgs' | 'args' | 'env'>;
  /** What is stored, past all servers. */
  readonly ledger: Ledger;
  readonly objects: ObjectStore;
  stop(): Promise<void>;
};

export type CloudOptions = {
  readonly dynamo?: () => Promise<Emulator>;
  /** Of another checkout: its `src/cli/start.ts`. */
  readonly entry?: string;
  /** Stand in front of the emulators: servers talk to them, the test itself does not. */
  readonly dynamoFront?: (emulator: Emulator) => Promise<Emulator>;
  readonly s3Front?: (emulator: Emulator) => Promise<Emulator>;
};

const names = { table: 'wadi', bucket: 'wadi' };
const ownEntry = fileURLToPath(new URL('../../src/cli/start.ts', import.meta.url));

/** What is missing for `startCloud` on this machine; undefined: nothing. */
export function cloudMissing(): string | undefined {
  if (!hasDynoxide()) return 'dynoxide is not there for this platform';
  return hasVersitygw() ? undefined : 'versitygw is not there: run .ci/install-versitygw, which needs Go';
}

export async function startCloud({ dynamo: startDynamo = startDynoxide, entry = ownEntry, dynamoFront, s3Front }: CloudOptions = {}): Promise<Cloud> {
  const [dynamo, s3] = await Promise.all([startDynamo(), startVersitygw()]);
  const [{ ledger, close: closeLedger }, { objects, close: closeObjects }] = await Promise.all([ledgerOn(dynamo, names.table), objectsOn(s3, names.bucket)]);
  const fronts = { dynamo: await dynamoFront?.(dynamo), s3: await s3Front?.(s3) };
  return {
    dynamo,
    s3,
    server: {
      entry: [entry, 'serve'],
      nodeArgs: startFlags,
      args: ['--ledger', 'dynamodb', '--store', 's3', '--table', names.table, '--bucket', names.bucket],
      env: { ...localEnv, AWS_ENDPOINT_URL_DYNAMODB: (fronts.dynamo ?? dynamo).endpoint, AWS_ENDPOINT_URL_S3: (fronts.s3 ?? s3).endpoint },
    },
    ledger,
    objects,
    async stop() {
      closeLedger();
      closeObjects();
      await Promise.all([fronts.dynamo?.stop(), fronts.s3?.stop()]);
      await Promise.all([dynamo.stop(), s3.stop()]);
    },
  };
}
