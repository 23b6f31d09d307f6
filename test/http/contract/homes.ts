// Where the contract is tested: each home starts the real application behind a real socket. Another home (a deployed
// one, say) is another entry here.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCodecs } from '../../../src/adapters/codecs/node.ts';
import { systemClock } from '../../../src/adapters/local/system-clock.ts';
import { systemRandom } from '../../../src/adapters/local/system-random.ts';
import { memoryLedger } from '../../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../../src/adapters/memory/object-store.ts';
import { memoryWakeups } from '../../../src/adapters/memory/wakeups.ts';
import { type Broker, createBroker, type Ports } from '../../../src/broker/broker.ts';
import type { Api } from '../../../src/http/api.ts';
import { createApp } from '../../../src/http/app.ts';
import { createApi } from '../../../src/http/create-api.ts';
import { type ListenOptions, listen } from '../../../src/server/listen.ts';
import { openCloudOn } from '../../../src/wiring/cloud.ts';
import { startDueWork } from '../../../src/wiring/due-work.ts';
import { openEmbedded } from '../../../src/wiring/embedded.ts';
import { type Emulator, hasDynoxide, hasVersitygw, ledgerOn, objectsOn, startDynoxide, startVersitygw } from '../../support/emulators.ts';

export type Home = {
  readonly url: string;
  /** Requests that wait for records, where that can be told. */
  readonly waiters?: () => number;
  close(): Promise<void>;
};

export const homes: Record<string, () => Promise<Home>> = {
  memory: async () => serveBroker(await memoryBroker()),
  'SQLite and files': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wadi-contract-'));
    const embedded = await openEmbedded(folder);
    const served = await serveBroker(embedded.broker, { onWorkLeft: embedded.onWorkLeft, ready: embedded.ready });
    return {
      ...served,
      async close() {
        await served.close();
        await embedded.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

/** Of emulators: DynamoDB always, S3 where it is installed, else the object store in memory. */
if (hasDynoxide()) homes[`DynamoDB and ${hasVersitygw() ? 'S3' : 'memory, for no S3 is installed'}`] = openCloudHome;
else console.log('The contract is not tested on DynamoDB: dynoxide is not there for this platform.');

async function openCloudHome(): Promise<Home> {
  const emulators = await Promise.all([startDynoxide(), ...(hasVersitygw() ? [startVersitygw()] : [])]);
  const [dynamo, s3] = emulators;
  const [ledger, objects] = await Promise.all([ledgerOn(dynamo as Emulator), s3 === undefined ? { objects: memoryObjectStore(systemClock.nowMs), close: () => {} } : objectsOn(s3)]);
  const release = (): void => {
    ledger.close();
    objects.close();
  };
  const cloud = await openCloudOn({ ledger: ledger.ledger, objects: objects.objects, release });
  const served = await serveBroker(cloud.broker, { onWorkLeft: cloud.onWorkLeft, ready: cloud.ready });
  return {
    ...served,
    async close() {
      await served.close();
      await cloud.close();
      for (const emulator of emulators) await emulator.stop();
    },
  };
}

/** Small payloads in the ledger, larger ones as objects, so that both ways are taken. */
export function memoryBroker(ports: Partial<Ports> = {}): Promise<Broker> {
  const telemetry = { count: () => {}, commitSize: () => {}, report: () => {} };
  const all: Ports = {
    ledger: memoryLedger(),
    objects: memoryObjectStore(systemClock.nowMs),
    clock: systemClock,
    random: systemRandom(),
    wakeups: memoryWakeups(),
    telemetry,
    codecs: nodeCodecs,
    ...ports,
  };
  return createBroker(all, { inlineMaxBytes: 1000, inlineTogether: true, producersStayCommits: 0, viewMaxAgeMs: Number.POSITIVE_INFINITY });
}

export async function serveBroker(
  broker: Broker,
  {
    onWorkLeft,
    bodies,
    answers,
    tokens,
    corsOrigins,
    ready = () => true,
    ...options
  }: Partial<ListenOptions> & Partial<Pick<Api, 'onWorkLeft' | 'bodies' | 'answers' | 'ready' | 'tokens' | 'corsOrigins'>> = {},
): Promise<Home & { stop(): void }> {
  const stopping = new AbortController();
  const work = onWorkLeft === undefined ? startDueWork(broker) : undefined;
  const api = createApi({ broker, version: 'test', stopping: stopping.signal, onWorkLeft: onWorkLeft ?? work?.soon ?? (() => {}), ready, localOnly: true });
  const listening = await listen(createApp({ ...api, bodies: bodies ?? api.bodies, answers: answers ?? api.answers, tokens: tokens ?? api.tokens, corsOrigins: corsOrigins ?? api.corsOrigins }), {
    host: '127.0.0.1',
    port: 0,
    ...options,
  });
  return {
    url: `http://127.0.0.1:${listening.port}`,
    waiters: () => broker.waiters,
    stop: () => stopping.abort(),
    async close() {
      stopping.abort();
      await listening.stop(1_000);
      await work?.stop();
      await broker.committer.close();
    },
  };
}
