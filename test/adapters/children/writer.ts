// Writes without end to the data folder it is given, through the ledger and the object store, and says what was
// answered: one line for each answer, after it. Its parent kills it.

import { writeSync } from 'node:fs';
import { openDataFolder } from '../../../src/adapters/local/data-folder.ts';
import { openFileObjectStore } from '../../../src/adapters/local/file-object-store.ts';
import { openJournalLedger } from '../../../src/adapters/local/journal-ledger.ts';
import { content } from './content.ts';

const [path, round] = process.argv.slice(2) as [string, string];
const lanes = 6;
const folder = await openDataFolder(path);
const ledger = await openJournalLedger(folder);
const objects = await openFileObjectStore({ root: folder.objectsPath, aside: folder.asidePath });
const say = (line: string) => writeSync(1, `${line}\n`);

async function commit(lane: number): Promise<void> {
  for (let n = 0; ; n++) {
    const name = `${round}-${lane}-${n}`;
    const outcome = await ledger.writeAll([
      { key: { pk: 'payload', sk: name }, guards: [], action: 'put', item: { bytes: content(name) } },
      {
        key: { pk: 'head', sk: String(lane) },
        guards: [],
        action: 'update',
        changes: [
          { change: 'startThenAdd', path: 'count', start: 0, by: 1 },
          { change: 'set', path: 'last', value: name },
        ],
      },
    ]);
    if (!outcome.applied) throw new Error('refused');
    say(`item ${name}`);
  }
}

async function upload(): Promise<void> {
  for (let n = 0; ; n++) {
    const name = `l0/${round}/${n}`;
    if ((await objects.create(name, content(name))) !== 'created') throw new Error('exists');
    say(`object ${name}`);
  }
}

say('ready');
await Promise.all([...Array.from({ length: lanes }, (_, lane) => commit(lane)), upload()]);
