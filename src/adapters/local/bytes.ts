// Values as bytes: the grammar of items at rest, whose numbers and texts the journal and its checkpoints share. Nothing here grows: whoever
// writes has asked `boundOf` first, and whoever reads meets a StoreFailure("corrupt") instead of reading beyond
// the end, nesting beyond 32, or making more elements than there are bytes (each takes one at least).
//
//   value   = 0 varint                       a number that is not negative
//           | 1 varint                       -1 - n
//           | 2 varint(bytes) UTF-8          a string
//           | 3 varint(bytes) bytes          a binary
//           | 4 varint(count) value*         a list
//           | 5 varint(count) (varint(bytes) UTF-8, value)*   a map
//           | 6 varint(count) varint(bytes) bytes*            a list of binaries of one size, not 0
//   varint  = 7 bits in a byte, the lowest first, the top bit set on all but the last

import { InvalidWrite, type Value } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';

const maxDepth = 32;
const maxVarintBytes = 8;

/** Bytes and where the next one is written or read. */
export type Cursor = { readonly bytes: Buffer; at: number };

export function cursor(bytes: Uint8Array, at = 0): Cursor {
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at };
}

/**
 * At least as many bytes as the value takes.
 * @throws InvalidWrite for what no ledger keeps: numbers that are no safe integers, nesting beyond 32.
 */
export function boundOf(value: Value, depth = 0): number {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new InvalidWrite(`${value} is not an integer within ±(2^53 - 1)`);
    return 1 + maxVarintBytes;
  }
  if (typeof value === 'string') return 1 + boundOfText(value);
  if (value instanceof Uint8Array) return 1 + maxVarintBytes + value.length;
  if (depth > maxDepth) throw new InvalidWrite(`a value is nested deeper than ${maxDepth}`);
  let bound = 1 + 2 * maxVarintBytes;
  if (Array.isArray(value)) {
    for (const element of value) bound += boundOf(element, depth + 1);
    return bound;
  }
  const map = value as { readonly [entry: string]: Value };
  for (const name of Object.keys(map)) {
    if (name === '__proto__') throw new InvalidWrite('no attribute or entry may be called __proto__');
    bound += boundOfText(name) + boundOf(map[name] as Value, depth + 1);
  }
  return bound;
}

export const boundOfText = (text: string): number => maxVarintBytes + 3 * text.length;

export function writeValue(to: Cursor, value: Value): void {
  if (typeof value === 'number') {
    to.bytes[to.at++] = value < 0 ? 1 : 0;
    writeVarint(to, value < 0 ? -1 - value : value);
  } else if (typeof value === 'string') {
    to.bytes[to.at++] = 2;
    writeText(to, value);
  } else if (value instanceof Uint8Array) {
    to.bytes[to.at++] = 3;
    writeBytes(to, value);
  } else if (Array.isArray(value)) writeList(to, value);
  else writeMap(to, value as { readonly [entry: string]: Value });
}

function writeList(to: Cursor, list: readonly Value[]): void {
  const size = commonSize(list);
  to.bytes[to.at++] = size > 0 ? 6 : 4;
  writeVarint(to, list.length);
  if (size > 0) {
    writeVarint(to, size);
    for (const element of list) {
      to.bytes.set(element as Uint8Array, to.at);
      to.at += size;
    }
  } else for (const element of list) writeValue(to, element);
}

/** The size that all elements share as binaries, or 0. */
function commonSize(list: readonly Value[]): number {
  const first = list[0];
  const size = first instanceof Uint8Array ? first.length : 0;
  return size > 0 && list.every((element) => element instanceof Uint8Array && element.length === size) ? size : 0;
}

function writeMap(to: Cursor, map: { readonly [entry: string]: Value }): void {
  const names = Object.keys(map);
  to.bytes[to.at++] = 5;
  writeVarint(to, names.length);
  for (const name of names) {
    writeText(to, name);
    writeValue(to, map[name] as Value);
  }
}

export function writeBytes(to: Cursor, bytes: Uint8Array): void {
  writeVarint(to, bytes.length);
  to.bytes.set(bytes, to.at);
  to.at += bytes.length;
}

/** @throws InvalidWrite for text that is not well formed */
export function writeText(to: Cursor, text: string): void {
  const { bytes, at } = to;
  if (text.length < 64) {
    // Short and ASCII, as names and keys are: one byte of length, no call into the runtime.
    let end = at + 1;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) break;
      bytes[end++] = code;
    }
    if (end === at + 1 + text.length) {
      bytes[at] = text.length;
      to.at = end;
      return;
    }
  }
  if (!text.isWellFormed()) throw new InvalidWrite('a string holds half of a surrogate pair');
  writeVarint(to, Buffer.byteLength(text));
  to.at += bytes.write(text, to.at, 'utf8');
}

export function writeVarint(to: Cursor, value: number): void {
  let rest = value;
  while (rest > 0x7fffffff) {
    to.bytes[to.at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    to.bytes[to.at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  to.bytes[to.at++] = rest;
}

/** Binaries in the answer are views of the bytes that were read. */
export function readValue(from: Cursor, depth = 0): Value {
  if (depth > maxDepth + 1) throw damaged();
  switch (readByte(from)) {
    case 0:
      return readVarint(from);
    case 1:
      return -1 - readVarint(from);
    case 2:
      return readText(from);
    case 3:
      return readBytes(from);
    case 4: {
      const list: Value[] = [];
      for (let left = readVarint(from); left > 0; left--) list.push(readValue(from, depth + 1));
      return list;
    }
    case 5:
      return readMap(from, depth);
    case 6: {
      const count = readVarint(from);
      const size = readVarint(from);
      if (size === 0) throw damaged(); // or the count would be bounded by nothing
      const list: Value[] = [];
      for (let left = count; left > 0; left--) list.push(take(from, size));
      return list;
    }
    default:
      throw damaged();
  }
}

function readMap(from: Cursor, depth: number): { readonly [entry: string]: Value } {
  const map: Record<string, Value> = {};
  for (let left = readVarint(from); left > 0; left--) {
    const name = readText(from);
    if (name === '__proto__') throw damaged();
    map[name] = readValue(from, depth + 1);
  }
  return map;
}

export function readBytes(from: Cursor): Uint8Array {
  return take(from, readVarint(from));
}

function take(from: Cursor, size: number): Uint8Array {
  const { bytes, at } = from;
  if (size > bytes.length - at) throw damaged();
  from.at += size;
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at, size);
}

export function readText(from: Cursor): string {
  const { bytes } = from;
  const size = readVarint(from);
  const start = from.at;
  const end = start + size;
  if (end > bytes.length) throw damaged();
  from.at = end;
  if (size > 16) return bytes.toString('utf8', start, end);
  let text = '';
  for (let i = start; i < end; i++) {
    const code = bytes[i] as number;
    if (code > 127) return bytes.toString('utf8', start, end);
    text += String.fromCharCode(code);
  }
  return text;
}

export function readVarint(from: Cursor): number {
  let byte = readByte(from);
  let value = byte & 127;
  for (let factor = 128, read = 1; byte > 127; factor *= 128, read++) {
    if (read === maxVarintBytes) throw damaged();
    byte = readByte(from);
    value += (byte & 127) * factor;
  }
  return value;
}

export function readByte(from: Cursor): number {
  const byte = from.bytes[from.at++];
  if (byte === undefined) throw damaged();
  return byte;
}

function damaged(): StoreFailure {
  return new StoreFailure('corrupt', 'none', 'stored bytes are not of their format');
}
