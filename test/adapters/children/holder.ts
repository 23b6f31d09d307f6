// Opens the data folder it is given and says "held <pid>", or "refused <holder>" and ends; holds it until a line comes.

import { once } from 'node:events';
import { FolderInUse, openDataFolder } from '../../../src/adapters/local/data-folder.ts';

process.stdout.write('started\n');
await once(process.stdin, 'data');
try {
  const folder = await openDataFolder(process.argv[2] as string);
  process.stdout.write(`held ${process.pid}\n`);
  await once(process.stdin, 'data');
  folder.release();
} catch (error) {
  if (!(error instanceof FolderInUse)) throw error;
  process.stdout.write(`refused ${error.holder}\n`);
}
process.exit();
