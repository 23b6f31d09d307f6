// What is held to the model. A further store is one entry here.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataFolder } from '../../src/adapters/local/data-folder.ts';
import { openFileObjectStore } from '../../src/adapters/local/file-object-store.ts';
import { openJournalLedger } from '../../src/adapters/local/journal-ledger.ts';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';

type Opened<T> = { readonly store: T; close(): Promise<void> };

export type LedgerSubject = {
  readonly name: string;
  /** Whether calls in flight are carried out in the order in which they were made. */
  readonly ordered: boolean;
  open(): Promise<Opened<Ledger>>;
};

export type ObjectSubject = { readonly name: string; open(): Promise<Opened<ObjectStore>> };

const nothing = async () => {};

export const ledgerSubjects: readonly LedgerSubject[] = [
  { name: 'memory', ordered: true, open: async () => ({ store: memoryLedger(), close: nothing }) },
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

export const objectSubjects: readonly ObjectSubject[] = [
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

async function temporary(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'wadi-conformance-'));
  return { path, remove: () => rm(path, { recursive: true }) };
}
