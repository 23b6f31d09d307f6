// Items at rest. Each carries a checksum over its key, its format and its content, so that a byte flipped at rest, or
// an item under another's key, is named and never served (I14), and a format version, so that what a newer version
// wrote is refused.
//
//   item = crc32c(pk 0x00 sk 0x00 format content) u32 little endian, format u8, content
//   format 1: content is the item as a map in the grammar of bytes.ts
//   format 2: content is where in the journal the item lies: varints file, position, bytes (only in SQLite)

import { crc32c } from '@node-rs/crc32';
import { InvalidWrite, type Item, type Key, type Value } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import { boundOf, boundOfText, type Cursor, cursor, readValue, readVarint, writeText, writeValue, writeVarint } from './bytes.ts';

const formats = { item: 1, place: 2 };
const checksumBytes = 4;
const headerBytes = checksumBytes + 1;
const varintBytes = 8;
export const maxItemBytes = 16 * 1024 * 1024;
/** Binaries from here on are not copied on their way to the disk, and items from here on stay in the journal. */
export const minLargeBytes = 4096;

/** Where in the journal an item lies. */
export type Place = { readonly file: number; readonly position: number; readonly bytes: number };

/** An item's bytes in one part or several: large binaries are views of the item's own. */
export type EncodedItem = { readonly parts: readonly Uint8Array[]; readonly bytes: number };

/** @throws InvalidWrite for what no ledger keeps, and for items beyond 16 MiB. */
export function encodeItem(key: Key, item: Item): EncodedItem {
  const names = Object.keys(item);
  if (names.includes('__proto__')) throw new InvalidWrite('no attribute or entry may be called __proto__');
  const large = names.some((name) => isLarge(item[name] as Value));
  let bound = headerBytes + 1 + varintBytes;
  for (const name of names) bound += boundOfText(name) + (isLarge(item[name] as Value) ? 1 + varintBytes : boundOf(item[name] as Value, 1));
  const to = cursor(new Uint8Array(bound), headerBytes);
  to.bytes[checksumBytes] = formats.item;
  const parts = large ? writeParts(to, item, names) : [writeWhole(to, item)];
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (bytes + key.pk.length + key.sk.length > maxItemBytes) throw new InvalidWrite(`an item is larger than ${maxItemBytes} bytes`);
  const [head, ...rest] = parts as [Uint8Array, ...Uint8Array[]];
  let sum = checksum(key, head);
  for (const part of rest) sum = crc32c(part, sum);
  new DataView(head.buffer, head.byteOffset).setUint32(0, sum, true);
  return { parts, bytes };
}

function isLarge(value: Value): value is Uint8Array {
  return value instanceof Uint8Array && value.length >= minLargeBytes;
}

function writeWhole(to: Cursor, item: Item): Uint8Array {
  writeValue(to, item);
  return to.bytes.subarray(0, to.at);
}

/** As `writeValue` of the whole map, with large binaries left out of the buffer. */
function writeParts(to: Cursor, item: Item, names: readonly string[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let cut = 0;
  to.bytes[to.at++] = 5;
  writeVarint(to, names.length);
  for (const name of names) {
    writeText(to, name);
    const value = item[name] as Value;
    if (!isLarge(value)) {
      writeValue(to, value);
      continue;
    }
    to.bytes[to.at++] = 3;
    writeVarint(to, value.length);
    parts.push(to.bytes.subarray(cut, to.at), value);
    cut = to.at;
  }
  if (to.at > cut) parts.push(to.bytes.subarray(cut, to.at));
  return parts;
}

/**
 * The binaries of the answer are views of `stored`.
 * @throws StoreFailure "corrupt" where the bytes are not those that were written under this key, "newer" for a format of the future.
 */
export function decodeItem(key: Key, stored: Uint8Array): Item {
  checkItem(key, stored);
  const from = cursor(stored, headerBytes);
  const item = readValue(from);
  if (from.at !== stored.length || typeof item !== 'object' || Array.isArray(item) || item instanceof Uint8Array) {
    throw new StoreFailure('corrupt', 'none', `the ledger item ${key.pk} / ${key.sk} is not of its format`);
  }
  return item as Item;
}

/** @throws StoreFailure as `decodeItem`, whose content it does not read. */
export function checkItem(key: Key, stored: Uint8Array): void {
  checkSum(key, stored);
  const format = stored[checksumBytes] as number;
  if (format === formats.item) return;
  throw new StoreFailure('newer', 'none', `the ledger item ${key.pk} / ${key.sk} has format ${format}; this version reads ${formats.item}: use a newer one`);
}

export function encodePlace(key: Key, { file, position, bytes }: Place): Uint8Array {
  const to = cursor(new Uint8Array(headerBytes + 3 * varintBytes), headerBytes);
  to.bytes[checksumBytes] = formats.place;
  for (const number of [file, position, bytes]) writeVarint(to, number);
  const stored = to.bytes.subarray(0, to.at);
  new DataView(stored.buffer, stored.byteOffset).setUint32(0, checksum(key, stored), true);
  return stored;
}

/** Of what SQLite holds; undefined: it is the item itself. @throws StoreFailure "corrupt" */
export function decodePlace(key: Key, stored: Uint8Array): Place | undefined {
  if (stored[checksumBytes] !== formats.place) return undefined;
  checkSum(key, stored);
  const from = cursor(stored, headerBytes);
  return { file: readVarint(from), position: readVarint(from), bytes: readVarint(from) };
}

/** The item's `ttl`, where it has one. */
export function ttlOf(item: Item | undefined): number | undefined {
  const ttl = item?.['ttl'];
  return typeof ttl === 'number' && ttl >= 0 ? ttl : undefined;
}

/** As `ttlOf`, of bytes that were checked; most hold none and are not decoded. */
export function storedTtlOf(key: Key, stored: Uint8Array): number | undefined {
  return Buffer.from(stored.buffer, stored.byteOffset, stored.length).includes('ttl') ? ttlOf(decodeItem(key, stored)) : undefined;
}

/** Puts an item into bytes that nobody else has: for short ones that are kept. */
export function joined({ parts, bytes }: EncodedItem): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Whether the item is left in the journal instead of being copied into SQLite. */
export const staysInJournal = (bytes: number): boolean => bytes >= minLargeBytes;

function checkSum(key: Key, stored: Uint8Array): void {
  const header = stored.length < headerBytes ? undefined : new DataView(stored.buffer, stored.byteOffset, headerBytes);
  if (header?.getUint32(0, true) === checksum(key, stored)) return;
  throw new StoreFailure('corrupt', 'none', `the ledger item ${key.pk} / ${key.sk} does not match its checksum; restore it from a backup`);
}

function checksum({ pk, sk }: Key, stored: Uint8Array): number {
  return crc32c(stored.subarray(checksumBytes), crc32c(`${pk}\0${sk}\0`));
}
