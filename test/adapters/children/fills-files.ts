// Creates objects in the data folder it is given, under a limit on file sizes that its parent has set, and says how
// each creation ended.

import { openDataFolder } from '../../../src/adapters/local/data-folder.ts';
import { openFileObjectStore } from '../../../src/adapters/local/file-object-store.ts';
import type { StoreFailure } from '../../../src/ports/failure.ts';

const folder = await openDataFolder(process.argv[2] as string);
const store = await openFileObjectStore({ root: folder.objectsPath, aside: folder.asidePath });
for (const [key, bytes] of [
  ['a/small', 1000],
  ['a/large', 3_000_000],
  ['a/other', 1000],
] as const) {
  const said = await store.create(key, new Uint8Array(bytes)).catch(({ reason, effect }: StoreFailure) => `${reason} ${effect}`);
  process.stdout.write(`${key} ${said}\n`);
}
folder.release();
