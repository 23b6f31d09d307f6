// Items at rest in SQLite. Each carries a checksum over its key, its format and its content, so that a byte
// flipped at rest, or an item under another's key, is named and never served (I14), and a format version, so that
// what a newer version wrote is refused.
//
//   item = crc32c(pk 0x00 sk 0x00 format content) u32 little endian, format u8, content
//   format 1: content is the item as a map in the grammar of bytes.ts

import { crc32c } from '@node-rs/crc32';
import type { Item, Key } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import { boundOf, type Cursor, cursor, readValue, writeValue } from './bytes.ts';

const format = 1;
const checksumBytes = 4;
const headerBytes = checksumBytes + 1;

/** At least as many bytes as `writeItem` writes. @throws InvalidWrite for what cannot be stored. */
export function boundOfItem(item: Item): number {
  return headerBytes + boundOf(item);
}

/** Writes the item without its checksum, which `sealItem` fills in. Answers its length in bytes. */
export function writeItem(to: Cursor, item: Item): number {
  const start = to.at;
  to.at += checksumBytes;
  to.bytes[to.at++] = format;
  writeValue(to, item);
  return to.at - start;
}

/** Fills in the checksum of what `writeItem` wrote. */
export function sealItem(key: Key, stored: Uint8Array): Uint8Array {
  new DataView(stored.buffer, stored.byteOffset).setUint32(0, checksum(key, stored), true);
  return stored;
}

export function encodeItem(key: Key, item: Item): Uint8Array {
  const to = cursor(new Uint8Array(boundOfItem(item)));
  return sealItem(key, to.bytes.subarray(0, writeItem(to, item)));
}

/**
 * The binaries of the answer are views of `stored`.
 * @throws StoreFailure "corrupt" where the bytes are not those that were written under this key, "newer" for a format of the future.
 */
export function decodeItem(key: Key, stored: Uint8Array): Item {
  const header = stored.length < headerBytes ? undefined : new DataView(stored.buffer, stored.byteOffset, headerBytes);
  if (header?.getUint32(0, true) !== checksum(key, stored)) {
    throw new StoreFailure('corrupt', 'none', `the ledger item ${key.pk} / ${key.sk} does not match its checksum; restore it from a backup`);
  }
  return decodeContent(key, stored);
}

/** As `decodeItem` for bytes that never left memory. */
export function decodeContent(key: Key, stored: Uint8Array): Item {
  if (stored[checksumBytes] !== format) {
    throw new StoreFailure('newer', 'none', `the ledger item ${key.pk} / ${key.sk} has format ${stored[checksumBytes]}; this version reads ${format}: use a newer one`);
  }
  const from = cursor(stored, headerBytes);
  const item = readValue(from);
  if (from.at !== stored.length || typeof item !== 'object' || Array.isArray(item) || item instanceof Uint8Array) {
    throw new StoreFailure('corrupt', 'none', `the ledger item ${key.pk} / ${key.sk} is not of its format`);
  }
  return item as Item;
}

function checksum({ pk, sk }: Key, stored: Uint8Array): number {
  return crc32c(stored.subarray(checksumBytes), crc32c(`${pk}\0${sk}\0`));
}
