// The object store as a folder of files. An object appears under its name whole and durable, or not at all: it is
// written aside, synced, linked to its name (which fails if the name is taken) and its folder synced. Time is the
// file system's own. The folder belongs to this process (data-folder.ts).

import { type FileHandle, link, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StoreFailure } from '../../ports/failure.ts';
import type { ObjectStore, ObjectSummary } from '../../ports/object-store.ts';
import { codeOf, fileFailure, makeFolder, syncFolder } from './files.ts';

const maxKeyLength = 512;
/** Folders known to be durable; beyond it the set starts again. */
const maxKnownFolders = 10_000;

/** A key that this store cannot name a file by: a fault of the caller. */
export class InvalidObjectKey extends Error {
  override readonly name = 'InvalidObjectKey';
}

/**
 * @param root where the objects are; @param aside an existing folder of the same file system for unfinished
 * files; what a killed process left there is removed. @throws StoreFailure.
 */
export async function openFileObjectStore({ root, aside }: { readonly root: string; readonly aside: string }): Promise<ObjectStore> {
  const durableFolders = new Set<string>();
  let made = 0;
  await guarded('none', 'cannot open the object store', async () => {
    await makeFolder(root);
    for (const name of await readdir(aside)) await unlink(join(aside, name));
  });

  /** Another call may just have made a folder without having synced its name, so whoever meets one first syncs it, too. */
  async function makeDurable(folder: string): Promise<void> {
    if (durableFolders.has(folder)) return;
    await mkdir(folder, { recursive: true });
    for (let at = folder; at !== root; at = dirname(at)) await syncFolder(dirname(at));
    if (durableFolders.size >= maxKnownFolders) durableFolders.clear();
    durableFolders.add(folder);
  }

  async function create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const path = pathOf(root, key);
    const temporary = join(aside, `${process.pid}-${made++}`);
    let linked = false;
    try {
      await makeDurable(dirname(path));
      await writeDurably(temporary, bytes);
      await link(temporary, path);
      linked = true;
      await syncFolder(dirname(path));
      return 'created';
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || linked) throw fileFailure(error, linked ? 'unknown' : 'none', `cannot create object ${key}`);
      // Whoever made it may not have synced its name yet; "exists" must be as durable as "created".
      await guarded('none', `cannot create object ${key}`, () => syncFolder(dirname(path)));
      return 'exists';
    } finally {
      await unlink(temporary).catch(() => undefined); // what stays is removed at the next start
    }
  }

  async function* walk(folder: string, prefix: string, after: string): AsyncGenerator<ObjectSummary> {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(emptyIfAbsent);
    // With "/" behind the names of folders, names sort as the keys below them do.
    const names = entries.map((entry) => (entry.isDirectory() ? `${folder}${entry.name}/` : `${folder}${entry.name}`)).sort();
    for (const name of names) {
      if (name.endsWith('/')) {
        const mayMatch = name.startsWith(prefix) || prefix.startsWith(name);
        if (mayMatch && (name > after || after.startsWith(name))) yield* walk(name, prefix, after);
      } else if (name.startsWith(prefix) && name > after) {
        const found = await stat(join(root, name)).catch(undefinedIfAbsent);
        if (found !== undefined) yield { key: name, bytes: found.size, modifiedMs: Math.floor(found.mtimeMs) };
      }
    }
  }

  return {
    create,

    read: (key, range) => {
      const path = pathOf(root, key);
      return guarded('none', `cannot read object ${key}`, async () => {
        const file = await open(path, 'r').catch(undefinedIfAbsent);
        if (file === undefined) return undefined;
        try {
          const size = (await file.stat()).size;
          const start = Math.min(range?.start ?? 0, size);
          return await readFully(file, start, Math.max(start, Math.min(range?.end ?? size, size)));
        } finally {
          await file.close();
        }
      });
    },

    list: (prefix, { after = '', limit }) =>
      guarded('none', `cannot list objects under ${prefix}`, async () => {
        const found: ObjectSummary[] = [];
        if (limit < 1) return found;
        for await (const summary of walk('', prefix, after)) if (found.push(summary) >= limit) break;
        return found;
      }),

    async delete(keys) {
      const paths = keys.map((key) => pathOf(root, key));
      await guarded('unknown', 'cannot delete objects', async () => {
        for (const path of paths) await unlink(path).catch(undefinedIfAbsent);
        // An object must not come back after the ledger has forgotten it (I10).
        for (const folder of new Set(paths.map(dirname))) await syncFolder(folder).catch(undefinedIfAbsent);
      });
    },

    nowMs: () =>
      guarded('none', 'cannot tell the time of the object store', async () => {
        const path = join(aside, `${process.pid}-now-${made++}`);
        const file = await open(path, 'wx');
        try {
          return Math.floor((await file.stat()).mtimeMs);
        } finally {
          await file.close();
          await unlink(path);
        }
      }),
  };
}

function pathOf(root: string, key: string): string {
  const valid = key.length <= maxKeyLength && /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(key) && !key.split('/').some((part) => /^\.+$/.test(part));
  if (!valid) throw new InvalidObjectKey(`${JSON.stringify(key.slice(0, maxKeyLength))} is not a key of letters, digits, ".", "_" and "-" between single "/"`);
  return join(root, key);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readFully(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
    if (bytesRead === 0) throw new StoreFailure('corrupt', 'none', 'an object became shorter while it was read');
    at += bytesRead;
  }
  return bytes;
}

async function guarded<T>(effect: 'none' | 'unknown', what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fileFailure(error, effect, what);
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
}

function emptyIfAbsent(error: unknown): [] {
  undefinedIfAbsent(error);
  return [];
}
