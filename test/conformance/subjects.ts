// What is held to the model. A further store is one entry here.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataFolder } from '../../src/adapters/local/data-folder.ts';
import { openFileObjectStore } from '../../src/adapters/local/file-object-store.ts';
import { openJournalLedger } from '../../src/adapters/local/journal-ledger.ts';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import type { Item, Write } from '../../src/log/write.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import { createStores, type Stores } from '../simulation/stores.ts';
import { createTimeline } from '../simulation/timeline.ts';
import { type Emulator, ledgerOn, objectsOn, startDynamoDbLocal, startDynoxide, startVersitygw } from '../support/emulators.ts';
import { seededRandom } from '../support/random.ts';
import type { IsGap } from './ledger-run.ts';

type Opened<T> = { readonly store: T; close(): Promise<void> };

export type LedgerSubject = {
  readonly name: string;
  /** Whether calls in flight are carried out in the order in which they were made. */
  readonly ordered: boolean;
  open(): Promise<Opened<Ledger>>;
};

export type ObjectSubject = { readonly name: string /** Of its clock. */; readonly precisionMs?: number; open(): Promise<Opened<ObjectStore>> };

const nothing = async () => {};

/** As the simulator's brokers have them; how the network between loses and doubles calls is not in it. */
function simulated(): Stores {
  const timeline = createTimeline(Number.POSITIVE_INFINITY);
  return createStores({ timeline, random: seededRandom(1), maxHoldMs: 0, tellsImages: false, onLockMet: () => {} });
}

export const ledgerSubjects: readonly LedgerSubject[] = [
  { name: 'memory', ordered: true, open: async () => ({ store: memoryLedger(), close: nothing }) },
  { name: 'simulated', ordered: true, open: async () => ({ store: simulated().ledger, close: nothing }) },
  {
    name: 'journal',
    ordered: true,
    open: async () => {
      const { path, remove } = await temporary();
      const store = await openJournalLedger({ databasePath: join(path, 'ledger.db'), journalPath: join(path, 'journal') });
      return { store, close: () => store.close().then(remove) };
    },
  },
];

export type CloudSubject = LedgerSubject & { readonly writes: number; readonly gap?: { readonly what: string; readonly is: IsGap } };

/** `--dynamodb`: the ledger on DynamoDB, held to by two emulators of it. */
export const dynamoSubjects: readonly CloudSubject[] = [
  {
    name: 'dynamodb on dynoxide',
    ordered: false,
    writes: 10_000,
    open: () => openDynamo(startDynoxide()),
    gap: { what: 'an entry removed from what is no map, which DynamoDB refuses and dynoxide takes for nothing to do', is: removesFromNoMap },
  },
  { name: 'dynamodb on DynamoDB Local', ordered: false, writes: 2_000, open: () => openDynamo(startDynamoDbLocal()) },
];

function removesFromNoMap(write: Write, item: Item | undefined): boolean {
  if (write.action !== 'update') return false;
  return write.changes.some(({ change, path }) => {
    const map = typeof path === 'string' ? undefined : item?.[path[0]];
    return change === 'remove' && typeof path !== 'string' && (typeof map !== 'object' || Array.isArray(map) || map instanceof Uint8Array);
  });
}

async function openDynamo(starting: Promise<Emulator>): Promise<Opened<Ledger>> {
  const emulator = await starting;
  const { ledger, close } = await ledgerOn(emulator);
  return {
    store: ledger,
    close: async () => {
      close();
      await emulator.stop();
    },
  };
}

export const objectSubjects: readonly ObjectSubject[] = [
  { name: 'simulated', open: async () => ({ store: simulated().objects, close: nothing }) },
  { name: 'memory', open: async () => ({ store: memoryObjectStore(Date.now), close: nothing }) },
  {
    name: 'files',
    open: async () => {
      const { path, remove } = await temporary();
      const folder = await openDataFolder(path);
      const store = await openFileObjectStore({ root: folder.objectsPath, aside: folder.asidePath });
      return { store, close: () => Promise.resolve(folder.release()).then(remove) };
    },
  },
];

/** `--s3`: the object store on S3, held to by an emulator of it. */
export const s3Subjects: readonly ObjectSubject[] = [
  {
    name: 's3 on versitygw',
    precisionMs: 1_000,
    open: async () => {
      const emulator = await startVersitygw();
      const { objects, close } = await objectsOn(emulator);
      return {
        store: objects,
        close: async () => {
          close();
          await emulator.stop();
        },
      };
    },
  },
];

async function temporary(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'wadi-conformance-'));
  return { path, remove: () => rm(path, { recursive: true }) };
}
