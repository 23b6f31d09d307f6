// What the journal holds beyond the last checkpoint, read when the ledger is opened. Groups are taken as long as each
// is whole and follows the one before. The last may be there in part, since the process or the machine died while it
// was written: it was never answered, and it is cut off. Anything else that is not whole is damage, and it is loud
// (I14): a header or contents that do not hold while groups stand behind them stop the opening; an item that does not match its
// checksum in a group with others behind it is kept as it is, and named when it is read.

import { fstat } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Key } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import { syncFolder } from './files.ts';
import { checkItem, type Place } from './item-codec.ts';
import type { JournalPosition } from './journal.ts';
import { closeFile, durableWrites, fileName, listFiles, openFile, readFully, removeFile, truncateFile, writeFully } from './journal-files.ts';
import { type DecodedGroup, decodeFileHeader, decodeGroup, fileHeaderBytes, findGroup } from './journal-format.ts';

/** An item as a group left it; `bytes` are a view of what was read. */
export type ReplayedItem = { readonly key: Key; readonly stored: { readonly bytes: Uint8Array; readonly place: Place } | undefined };

/** Where to go on, with the descriptor for it. */
export type RecoveredFile = { readonly end: JournalPosition; readonly fd: number; readonly salt: Uint8Array };

export type Recovered = {
  /** undefined: nothing was ever written; the first file is to be made. */
  readonly file: RecoveredFile | undefined;
  /** How many were taken. */
  readonly groups: number;
};

type Read = { readonly number: number; readonly bytes: Buffer; readonly salt: Uint8Array };

const fileStat = promisify(fstat);

/**
 * Hands out what was written after `from`, group by group, and leaves the journal ready to be written on.
 * @param live the files in which items lie that the checkpoint knows; those before `from` without any are removed
 * @throws StoreFailure "corrupt", "newer", and those of the file system
 */
export async function recoverJournal(folder: string, from: JournalPosition, live: ReadonlySet<number>, replay: (items: readonly ReplayedItem[], sequence: number) => void): Promise<Recovered> {
  const files = await listFiles(folder);
  for (const number of live) if (!files.includes(number)) throw damaged(folder, number, 'is missing, and items lie in it');
  let end = from;
  let last: { readonly read: Read; readonly lastGroup: number } | undefined;
  let groups = 0;
  for (let number = from.file; ; number++) {
    const read = files.includes(number) ? await readFile(folder, number) : undefined;
    const begin = number === from.file ? Math.max(from.position, fileHeaderBytes) : fileHeaderBytes;
    if (read === undefined || read.bytes.length < begin) {
      // A file that was being made, or never was. What the checkpoint vouches for must be there.
      if (number === from.file && from.position > 0) throw damaged(folder, number, read === undefined ? 'is missing or has no whole header' : `has ${read.bytes.length} bytes of ${begin}`);
      break;
    }
    const walked = await walk(folder, read, begin, end.sequence, replay, async () => (await findLaterGroup(folder, files, number)) !== undefined);
    // The next file is made in advance, so one without a group follows the one that is written to.
    if (number > from.file && walked.groups === 0) break;
    last = { read, lastGroup: walked.lastGroup };
    end = { file: number, position: walked.end, sequence: walked.sequence };
    groups += walked.groups;
    if (walked.end < read.bytes.length) break;
  }
  await assertNothingBehind(folder, files, end, last?.read);
  for (const number of files) if (number > end.file || (number < from.file && !live.has(number))) await removeFile(folder, number);
  if (last === undefined) {
    if (files.includes(from.file)) await removeFile(folder, from.file);
    return { file: undefined, groups };
  }
  await syncFolder(folder);
  return { file: { end, fd: await reopen(folder, last.read, last.lastGroup, end), salt: last.read.salt }, groups };
}

/** undefined: it was being made, and has no whole header. @throws StoreFailure "corrupt", "newer" */
async function readFile(folder: string, number: number): Promise<Read | undefined> {
  const path = join(folder, fileName(number));
  const fd = await openFile(path, 'r');
  try {
    const bytes = await readFully(fd, 0, (await fileStat(fd)).size);
    const salt = decodeFileHeader(bytes, number, path);
    // Groups are written only behind a header that is durable.
    if (salt === undefined && bytes.length > fileHeaderBytes) throw damaged(folder, number, 'has a damaged header, and groups behind it');
    return salt && { number, bytes, salt };
  } finally {
    await closeFile(fd);
  }
}

type Walked = { readonly end: number; readonly sequence: number; readonly groups: number; readonly lastGroup: number };

/** @param isFollowed whether a later file has a whole group */
async function walk(
  folder: string,
  { number, bytes, salt }: Read,
  begin: number,
  sequenceBefore: number,
  replay: (items: readonly ReplayedItem[], sequence: number) => void,
  isFollowed: () => Promise<boolean>,
): Promise<Walked> {
  let walked: Walked = { end: begin, sequence: sequenceBefore, groups: 0, lastGroup: begin };
  for (;;) {
    const group = decodeGroup(bytes, walked.end, salt);
    if (group === undefined) return walked;
    if (group.sequence !== walked.sequence + 1) throw damaged(folder, number, `has group ${group.sequence} at byte ${walked.end}, where ${walked.sequence + 1} belongs`);
    if (!itemsHold(bytes, group) && findGroup(bytes, group.end, salt) === undefined && !(await isFollowed())) return walked;
    replay(itemsOf(number, bytes, group), group.sequence);
    walked = { end: group.end, sequence: group.sequence, groups: walked.groups + 1, lastGroup: walked.end };
  }
}

function itemsHold(bytes: Buffer, { entries }: DecodedGroup): boolean {
  try {
    for (const { key, start, end } of entries) if (start !== undefined) checkItem(key, bytes.subarray(start, end));
    return true;
  } catch (error) {
    if (error instanceof StoreFailure && error.reason === 'corrupt') return false;
    throw error;
  }
}

function itemsOf(file: number, bytes: Buffer, { entries }: DecodedGroup): ReplayedItem[] {
  return entries.map(({ key, start, end }) => ({
    key,
    stored: start === undefined ? undefined : { bytes: bytes.subarray(start, end), place: { file, position: start, bytes: end - start } },
  }));
}

/** One group was written at a time, so a whole one behind the end means that what stood before it was damaged. */
async function assertNothingBehind(folder: string, files: readonly number[], end: JournalPosition, last: Read | undefined): Promise<void> {
  const found = last && findGroup(last.bytes, end.position + 1, last.salt);
  if (found !== undefined) throw damaged(folder, end.file, `is damaged at byte ${end.position}: what was written later, at byte ${found}, is whole`);
  const later = await findLaterGroup(folder, files, end.file);
  if (later !== undefined) throw damaged(folder, end.file, `is damaged at byte ${end.position}: what was written later, to ${fileName(later)}, is whole`);
}

/** The first file after `file` in which a whole group stands. */
async function findLaterGroup(folder: string, files: readonly number[], file: number): Promise<number | undefined> {
  for (const number of files) {
    const read = number > file ? await readFile(folder, number) : undefined;
    if (read !== undefined && findGroup(read.bytes, fileHeaderBytes, read.salt) !== undefined) return number;
  }
  return undefined;
}

/**
 * For writing, without what was torn. The last group is written once more: where its sync failed, and the process
 * ended, the kernel may hold its bytes and think them written; now they are, before anybody is told of them.
 */
async function reopen(folder: string, { number, bytes }: Read, lastGroup: number, end: JournalPosition): Promise<number> {
  const fd = await openFile(join(folder, fileName(number)), durableWrites());
  try {
    if (bytes.length > end.position) await truncateFile(fd, end.position);
    await writeFully(fd, [bytes.subarray(lastGroup, end.position)], lastGroup);
    return fd;
  } catch (error) {
    await closeFile(fd).catch(() => undefined);
    throw error;
  }
}

function damaged(folder: string, number: number, what: string): StoreFailure {
  return new StoreFailure('corrupt', 'none', `the journal file ${join(folder, fileName(number))} ${what}; restore it from a backup`);
}
