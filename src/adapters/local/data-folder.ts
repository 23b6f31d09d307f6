// The folder that holds everything of the embedded home. It belongs to one process at a time: two servers on one
// folder would each believe their caches, so the second is refused by name.
//
//   format       "wadi 2": the version of this layout
//   lock.db      held for the life of the process; lock.pid says by whom, for the message only
//   ledger.db    the ledger as of its last checkpoint (with -wal and -shm while it is open)
//   journal/     what was written to the ledger since, and its large items
//   objects/     the object store; aside/ its unfinished files
//
// The lock is a transaction that SQLite holds on lock.db: a POSIX lock, which the kernel drops with the process
// however it dies, so there is none to be stale; SQLite also keeps two connections of one process apart. Nothing
// may open lock.db otherwise in this process: closing any descriptor of a file drops the process's locks on it.

import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreFailure } from '../../ports/failure.ts';
import { codeOf, fileFailure, makeFolder, syncFolder } from './files.ts';
import { failureOf } from './sqlite-schema.ts';

/** 1 had no journal; it is taken over as it is. */
const layoutVersion = 2;

export type DataFolder = {
  readonly path: string;
  readonly databasePath: string;
  readonly journalPath: string;
  readonly objectsPath: string;
  readonly asidePath: string;
  /** Gives the folder up; after the ledger and the object store in it have been closed. */
  release(): void;
};

/** The folder is in use; `holder` is the process, as far as it said. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
  readonly holder: number | undefined;

  constructor(path: string, holder: number | undefined) {
    const who = holder === process.pid ? 'by this process already' : holder === undefined ? 'by another process' : `by process ${holder}`;
    super(`The data folder ${path} is in use ${who}. Stop it first, or give this server a data folder of its own.`);
    this.holder = holder;
  }
}

/** Opens the folder or creates it with its parents. @throws FolderInUse, StoreFailure "newer", "full", "unavailable", "corrupt". */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const root = resolve(path);
  const [objectsPath, asidePath] = [join(root, 'objects'), join(root, 'aside')];
  try {
    await makeFolder(root);
    const lock = await takeLock(root);
    try {
      await checkFormat(root);
      for (const folder of [objectsPath, asidePath]) await mkdir(folder, { recursive: true });
      await syncFolder(root);
    } catch (error) {
      lock.close();
      throw error;
    }
    return { path: root, databasePath: join(root, 'ledger.db'), journalPath: join(root, 'journal'), objectsPath, asidePath, release: () => lock.close() };
  } catch (error) {
    throw error instanceof FolderInUse ? error : fileFailure(error, 'none', `cannot open the data folder ${root}`);
  }
}

async function takeLock(root: string): Promise<DatabaseSync> {
  const pidPath = join(root, 'lock.pid');
  const lock = new DatabaseSync(join(root, 'lock.db'), { timeout: lockTimeoutMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw failureOf(error, 'none', `cannot lock the data folder ${root}`);
    throw new FolderInUse(root, await readPid(pidPath));
  }
  // For the message only.
  await writeFile(pidPath, `${process.pid}\n`).catch(() => undefined);
  return lock;
}

const sqliteBusy = 5;
/** Two that start at once may stand in each other's way for a moment; one of them gets it. */
const lockTimeoutMs = 250;

async function readPid(path: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
  return pid > 0 ? pid : undefined;
}

async function checkFormat(root: string): Promise<void> {
  const path = join(root, 'format');
  const found = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
    return undefined;
  });
  if (found === undefined) return writeFormat(root, path);
  const version = /^wadi (\d+)\n$/.exec(found)?.[1];
  if (version === undefined) throw new StoreFailure('corrupt', 'none', `${path} does not say "wadi <version>"; is this a data folder of Wadi?`);
  if (Number(version) > layoutVersion) throw new StoreFailure('newer', 'none', `the data folder ${root} has layout ${version}; this version of Wadi knows ${layoutVersion}: start a newer one`);
  // Older versions of Wadi must not open it from now on.
  if (Number(version) < layoutVersion) await writeFormat(root, path);
}

/** Whole or not at all, so that a crash here leaves no half-written version. */
async function writeFormat(root: string, path: string): Promise<void> {
  const aside = join(root, 'format.new');
  const file = await open(aside, 'w');
  try {
    await file.writeFile(`wadi ${layoutVersion}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
}
