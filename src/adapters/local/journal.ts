// The journal: what makes writes of the ledger durable, and where large items stay for good. Groups are appended one
// at a time, each with one call to the disk that returns when it is durable; the next is begun only then. So of all
// that a crash leaves only the last group can be there in part, and it was never answered.
//
// When an append fails. Where the disk is full the file is cut back to its length before: what was written of the
// group is gone, and the failure says "none". Any other failure may leave the group on the disk ("unknown"), and
// after a failed sync the kernel may have dropped dirty pages and call the next sync a success: whoever uses the
// journal must stop then, until the process starts again and recovers from what the disk truly holds.

import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StoreFailure } from '../../ports/failure.ts';
import { codeOf, fileFailure, isFullCode } from './files.ts';
import type { Place } from './item-codec.ts';
import { closeFile, fileName, makeFile, openFile, readFully, removeFile, syncData, truncateFile, writeFully } from './journal-files.ts';
import { encodeFileHeader, encodeGroup, fileHeaderBytes, type JournalChange, saltBytes } from './journal-format.ts';
import type { RecoveredFile } from './journal-recovery.ts';

const mib = 1024 * 1024;
/** A group that begins below it goes into the file whole. */
export const maxFileBytes = 64 * mib;
/** From here on the next file is made ready, so that no group waits for it. */
const prepareFromBytes = 32 * mib;
const maxOpenFiles = 64;

export type JournalPosition = { readonly file: number; readonly position: number /** Of the last group before. */; readonly sequence: number };

export type Journal = {
  /** Answers when the group is durable, with the places of its items. One call at a time. @throws StoreFailure "full" with "none"; anything else with "unknown" ends the journal */
  append(changes: readonly JournalChange[]): Promise<readonly (Place | undefined)[]>;
  /** The bytes of an item; undefined: its file is gone, so the item is. @throws StoreFailure */
  read(place: Place): Promise<Buffer | undefined>;
  /** As `read`, while everything waits: for the rare item that a decision needs. */
  readNow(place: Place): Buffer;
  end(): JournalPosition;
  /** Files in which nothing stands any more. */
  remove(files: readonly number[]): Promise<void>;
  /** After the last read and the last append. */
  close(): Promise<void>;
};

type Written = { readonly number: number; readonly fd: number; readonly salt: Uint8Array };

/** @param recovered where to go on; undefined: with file `first`, which is made. @throws StoreFailure */
export async function openJournal(folder: string, recovered: RecoveredFile | undefined, first: JournalPosition): Promise<Journal> {
  let { position, sequence } = recovered?.end ?? { ...first, position: fileHeaderBytes };
  let current: Written = recovered === undefined ? await prepare(first.file).catch(notMade) : { number: recovered.end.file, fd: recovered.fd, salt: recovered.salt };
  let next: Promise<Written> | undefined;
  /** For reading, least recently used first. */
  const readers = new Map<number, Promise<number>>();

  async function prepare(number: number): Promise<Written> {
    const fresh = randomBytes(saltBytes);
    return { number, fd: await makeFile(folder, number, encodeFileHeader(number, fresh)), salt: fresh };
  }

  function prepareNext(): Promise<Written> {
    if (next === undefined) {
      next = prepare(current.number + 1);
      // Whoever needs it tries again and is told.
      next.catch(() => (next = undefined));
    }
    return next;
  }

  async function takeNext(): Promise<void> {
    const taken = await prepareNext();
    next = undefined;
    const full = current.fd;
    [current, position] = [taken, fileHeaderBytes];
    // All of it is durable already.
    await closeFile(full).catch(() => undefined);
  }

  async function append(changes: readonly JournalChange[]): Promise<readonly (Place | undefined)[]> {
    if (position >= maxFileBytes) await takeNext().catch(notMade);
    const group = encodeGroup(sequence + 1, current.salt, changes);
    const start = position;
    try {
      await writeFully(current.fd, group.parts, start);
    } catch (error) {
      throw await recover(error, start);
    }
    sequence += 1;
    position = start + group.bytes;
    if (position >= prepareFromBytes) void prepareNext().catch(() => undefined);
    return group.positions.map((at, i) => (at === undefined ? undefined : { file: current.number, position: start + at, bytes: changes[i]?.encoded?.bytes ?? 0 }));
  }

  async function recover(error: unknown, start: number): Promise<StoreFailure> {
    if (!isFullCode(codeOf(error))) return fileFailure(error, 'unknown', 'a write to the journal failed');
    try {
      await truncateFile(current.fd, start);
      await syncData(current.fd);
      return fileFailure(error, 'none', 'a write to the journal failed');
    } catch (second) {
      return fileFailure(second, 'unknown', 'a write to the journal failed, and could not be taken back');
    }
  }

  /** Closed, and so no longer to be used, when others push it out while it is read from: then it is opened again. */
  function reader(number: number): Promise<number> {
    const known = readers.get(number);
    const opened = known ?? openFile(join(folder, fileName(number)), 'r');
    readers.delete(number);
    readers.set(number, opened);
    if (known === undefined) opened.catch(() => readers.delete(number));
    return opened;
  }

  /** How many reads of each file are under way. */
  const reading = new Map<number, number>();
  /** Files that were removed while they were read. */
  const gone = new Set<number>();

  async function read(place: Place): Promise<Buffer | undefined> {
    const { file } = place;
    reading.set(file, (reading.get(file) ?? 0) + 1);
    try {
      const bytes = await readFully(await reader(file), place.position, place.bytes);
      if (bytes.length < place.bytes) throw endsBefore(file, place.position + place.bytes);
      return bytes;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw cannotRead(error, file);
    } finally {
      const left = (reading.get(file) ?? 1) - 1;
      if (left > 0) reading.set(file, left);
      else {
        reading.delete(file);
        if (gone.delete(file)) void forgetReader(file);
      }
      forgetOldReaders();
    }
  }

  function forgetOldReaders(): void {
    for (const number of readers.keys()) {
      if (readers.size <= maxOpenFiles) return;
      if (!reading.has(number)) void forgetReader(number);
    }
  }

  /** Never rejects. */
  async function forgetReader(number: number): Promise<void> {
    const opened = readers.get(number);
    readers.delete(number);
    const fd = await opened?.catch(() => undefined);
    if (fd !== undefined) await closeFile(fd).catch(() => undefined);
  }

  function readNow({ file, position: at, bytes }: Place): Buffer {
    const into = Buffer.allocUnsafeSlow(bytes);
    try {
      const fd = openSync(join(folder, fileName(file)), 'r');
      try {
        if (readSync(fd, into, 0, bytes, at) === bytes) return into;
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw cannotRead(error, file);
    }
    throw endsBefore(file, at + bytes);
  }

  return {
    append,
    read,
    readNow,
    end: () => ({ file: current.number, position, sequence }),
    async remove(files) {
      for (const number of files) {
        await removeFile(folder, number);
        if (reading.has(number)) gone.add(number);
        else await forgetReader(number);
      }
    },
    async close() {
      const prepared = await next?.catch(() => undefined);
      if (prepared !== undefined) await closeFile(prepared.fd);
      for (const number of [...readers.keys()]) await forgetReader(number);
      await closeFile(current.fd);
    },
  };
}

function notMade(error: unknown): never {
  throw fileFailure(error, 'none', 'cannot make a file of the journal');
}

const cannotRead = (error: unknown, file: number): StoreFailure => fileFailure(error, 'none', `cannot read ${fileName(file)} of the journal`);

const endsBefore = (file: number, byte: number): StoreFailure => new StoreFailure('corrupt', 'none', `${fileName(file)} of the journal ends before byte ${byte}; restore it from a backup`);
