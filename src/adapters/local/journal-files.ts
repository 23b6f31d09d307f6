// The journal's files: their names, and reading and writing them in full. Journal files are numbered from 1 and
// written through descriptors opened with O_DSYNC, so that one call writes a group and makes it durable.

import { close, constants, fdatasync, fsync, ftruncate, open, read, writev } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StoreFailure } from '../../ports/failure.ts';
import { codeOf, syncFolder } from './files.ts';

export const openFile = promisify(open);
export const closeFile = promisify(close);
export const truncateFile = promisify(ftruncate);
export const syncData = promisify(fdatasync);
const syncFile = promisify(fsync);

/** The flags for it. @throws StoreFailure where the system has no such writes: without them a crash would lose what was answered */
export function durableWrites(): number {
  const durable: number | undefined = constants.O_DSYNC;
  if (durable === undefined) throw new StoreFailure('unavailable', 'none', 'this system has no O_DSYNC, without which nothing is durable when it is answered; run Wadi on Linux or macOS');
  return constants.O_WRONLY | durable;
}

export const fileName = (number: number): string => `${String(number).padStart(10, '0')}.wadi`;

/** Those that are there, ascending. Names that are no journal file's are left alone. */
export async function listFiles(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .map((name) => /^(\d{10})\.wadi$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** A new file with its header; it and its name are durable. A file that is in the way was never used. */
export async function makeFile(folder: string, number: number, header: Buffer): Promise<number> {
  const fd = await openFile(join(folder, fileName(number)), durableWrites() | constants.O_CREAT | constants.O_TRUNC, 0o644);
  try {
    await writeFully(fd, [header], 0);
    await syncFile(fd);
    await syncFolder(folder);
    return fd;
  } catch (error) {
    await closeFile(fd).catch(() => undefined);
    throw error;
  }
}

/** One that is gone already is passed over. */
export async function removeFile(folder: string, number: number): Promise<void> {
  await unlink(join(folder, fileName(number))).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

/** Resolves when all bytes are written. The parts must stay as they are until then. */
export function writeFully(fd: number, parts: readonly Uint8Array[], position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (left: readonly Uint8Array[], at: number): void => {
      writev(fd, left, at, (error, written) => {
        if (error !== null) return reject(error);
        const rest = beyond(left, written);
        if (rest.length === 0) resolve();
        else if (written === 0) reject(Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' }));
        else next(rest, at + written);
      });
    };
    next(parts, position);
  });
}

function beyond(parts: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  for (const [i, part] of parts.entries()) {
    if (left < part.length) return [part.subarray(left), ...parts.slice(i + 1)];
    left -= part.length;
  }
  return [];
}

/** As many of the bytes as there are. */
export function readFully(fd: number, position: number, bytes: number): Promise<Buffer> {
  const into = Buffer.allocUnsafeSlow(bytes);
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      read(fd, into, done, bytes - done, position + done, (error, got) => {
        if (error !== null) reject(error);
        else if (got === 0 || done + got === bytes) resolve(into.subarray(0, done + got));
        else next(done + got);
      });
    };
    next(0);
  });
}
