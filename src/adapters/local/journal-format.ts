// The journal's bytes. A journal file is a header and then groups, one behind the other. A group is what one call to
// the disk makes durable: a list of contents, which has a checksum of its own, and the items, each of which carries
// its own (item-codec.ts). So every byte is summed once on its way out, and a group that the disk holds in part is
// told from a whole one. The salt is random and known to nobody: no record can hold bytes that pass for a group, nor
// such as look like the beginning of one, which would take long to tell apart.
//
//   file      = "WADIJRNL" version u32 number u32 salt u8[16] crc32c(all before) u32
//   group     = salt[0..8] contents-bytes u32 items-bytes u32 sequence u64 crc32c(salt, all before, contents) u32 contents item*
//   contents  = varint(count) entry*
//   entry     = 0 pk sk | 1 pk sk varint(bytes)      an item that is gone | one that follows
//
// All integers little endian; pk and sk as texts of bytes.ts. Sequences rise by one from group to group, over files.

import { crc32c } from '@node-rs/crc32';
import type { Key } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import { type Cursor, cursor, readByte, readText, readVarint, writeText, writeVarint } from './bytes.ts';
import { type EncodedItem, minLargeBytes } from './item-codec.ts';

const formatVersion = 1;
const fileMagic = Buffer.from('WADIJRNL');
export const fileHeaderBytes = 36;
export const saltBytes = 16;
/** Of the salt, where a group begins. */
const markBytes = 8;
const groupHeaderBytes = 28;
const groupCrcAt = 24;
const varintBytes = 8;

/** An item that is to stand from now on, or to be gone. */
export type JournalChange = { readonly key: Key; readonly encoded: EncodedItem | undefined };

export function encodeFileHeader(number: number, salt: Uint8Array): Buffer {
  const header = Buffer.alloc(fileHeaderBytes);
  fileMagic.copy(header);
  header.writeUInt32LE(formatVersion, 8);
  header.writeUInt32LE(number, 12);
  header.set(salt, 16);
  header.writeUInt32LE(crc32c(header.subarray(0, 32)), 32);
  return header;
}

/** The salt; undefined for what is no whole header of this file. @throws StoreFailure "newer" */
export function decodeFileHeader(header: Buffer, number: number, path: string): Uint8Array | undefined {
  if (header.length < fileHeaderBytes || !header.subarray(0, 8).equals(fileMagic)) return undefined;
  if (header.readUInt32LE(32) !== crc32c(header.subarray(0, 32)) || header.readUInt32LE(12) !== number) return undefined;
  const version = header.readUInt32LE(8);
  if (version > formatVersion) throw new StoreFailure('newer', 'none', `${path} has format ${version}; this version of Wadi reads ${formatVersion}: start a newer one`);
  return Uint8Array.from(header.subarray(16, 32));
}

export type EncodedGroup = {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** For each change, from the beginning of the group; undefined for what is gone. */
  readonly positions: readonly (number | undefined)[];
};

/** Views of the changes' parts are in the answer, to be written where they lie. */
export function encodeGroup(sequence: number, salt: Uint8Array, changes: readonly JournalChange[]): EncodedGroup {
  let contentsBound = varintBytes;
  let itemBytes = 0;
  let gathered = 0;
  for (const { key, encoded } of changes) {
    contentsBound += 1 + 3 * varintBytes + key.pk.length + key.sk.length;
    itemBytes += encoded?.bytes ?? 0;
    for (const part of encoded?.parts ?? []) if (part.length < minLargeBytes) gathered += part.length;
  }
  const to = cursor(Buffer.allocUnsafe(groupHeaderBytes + contentsBound + gathered), groupHeaderBytes);
  writeVarint(to, changes.length);
  for (const { key, encoded } of changes) {
    to.bytes[to.at++] = encoded === undefined ? 0 : 1;
    writeText(to, key.pk);
    writeText(to, key.sk);
    if (encoded !== undefined) writeVarint(to, encoded.bytes);
  }
  const contentsEnd = to.at;
  to.bytes.set(markOf(salt));
  to.bytes.writeUInt32LE(contentsEnd - groupHeaderBytes, 8);
  to.bytes.writeUInt32LE(itemBytes, 12);
  to.bytes.writeUInt32LE(sequence % 2 ** 32, 16);
  to.bytes.writeUInt32LE(Math.floor(sequence / 2 ** 32), 20);
  to.bytes.writeUInt32LE(groupCrc(to.bytes, 0, contentsEnd, salt), groupCrcAt);

  const parts: Uint8Array[] = [];
  const positions: (number | undefined)[] = [];
  let position = contentsEnd;
  let cut = 0;
  for (const { encoded } of changes) {
    positions.push(encoded && position);
    position += encoded?.bytes ?? 0;
    for (const part of encoded?.parts ?? []) {
      // Larger ones are handed to the system where they lie.
      if (part.length < minLargeBytes) {
        to.bytes.set(part, to.at);
        to.at += part.length;
      } else {
        if (to.at > cut) parts.push(to.bytes.subarray(cut, to.at));
        parts.push(part);
        cut = to.at;
      }
    }
  }
  if (to.at > cut) parts.push(to.bytes.subarray(cut, to.at));
  return { parts, bytes: contentsEnd + itemBytes, positions };
}

type DecodedEntry = { readonly key: Key /** Within the file's bytes; undefined: the item is gone. */; readonly start: number | undefined; readonly end: number };

export type DecodedGroup = { readonly sequence: number; readonly entries: readonly DecodedEntry[]; readonly end: number };

/** The group that begins at `at`; undefined where none does, or not with all its bytes. Its items are not looked at. */
export function decodeGroup(file: Buffer, at: number, salt: Uint8Array): DecodedGroup | undefined {
  if (file.length - at < groupHeaderBytes || file.compare(salt, 0, markBytes, at, at + markBytes) !== 0) return undefined;
  const contentsEnd = at + groupHeaderBytes + file.readUInt32LE(at + 8);
  const end = contentsEnd + file.readUInt32LE(at + 12);
  if (contentsEnd > file.length || file.readUInt32LE(at + groupCrcAt) !== groupCrc(file, at, contentsEnd, salt)) return undefined;
  if (end > file.length) return undefined;
  const sequence = file.readUInt32LE(at + 16) + file.readUInt32LE(at + 20) * 2 ** 32;
  const from: Cursor = { bytes: file.subarray(0, contentsEnd), at: at + groupHeaderBytes };
  const entries: DecodedEntry[] = [];
  let position = contentsEnd;
  for (let left = readVarint(from); left > 0; left--) {
    const stands = readByte(from) === 1;
    const key = { pk: readText(from), sk: readText(from) };
    const start = stands ? position : undefined;
    if (stands) position += readVarint(from);
    entries.push({ key, start, end: position });
  }
  if (position !== end || from.at !== contentsEnd) throw new StoreFailure('corrupt', 'none', 'the contents of a journal group do not add up');
  return { sequence, entries, end };
}

/** Where behind `at` a whole group stands; undefined: nowhere. */
export function findGroup(file: Buffer, at: number, salt: Uint8Array): number | undefined {
  const mark = markOf(salt);
  for (let found = file.indexOf(mark, at); found >= 0; found = file.indexOf(mark, found + 1)) if (decodeGroup(file, found, salt) !== undefined) return found;
  return undefined;
}

const markOf = (salt: Uint8Array): Uint8Array => salt.subarray(0, markBytes);

/** Over the header, without the sum itself, and the contents. */
function groupCrc(bytes: Buffer, start: number, contentsEnd: number, salt: Uint8Array): number {
  return crc32c(bytes.subarray(start + groupHeaderBytes, contentsEnd), crc32c(bytes.subarray(start, start + groupCrcAt), crc32c(salt)));
}
