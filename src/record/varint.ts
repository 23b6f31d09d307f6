// Variable-length integers as records hold them: zigzag, then seven bits a byte, least significant first, the
// high bit set on all but the last (Protocol Buffers; Kafka's ByteUtils). An integer that runs past the end of
// its bytes, or past its width, is `invalid_batch`; nothing is ever read beyond `end`.
import { WadiError } from './errors.ts';

/** A place in bytes that moves as they are read. `end` is exclusive. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

function truncated(at: number): WadiError {
  return new WadiError('invalid_batch', `The records end in the middle of an integer, at byte ${at}.`, { position: at });
}

function overflow(at: number): WadiError {
  return new WadiError('invalid_batch', `A variable-length integer at byte ${at} is wider than its type.`, { position: at });
}

/** Reads a zigzag varint of at most 32 bits. Errors: `invalid_batch`. */
export function readVarint(cursor: Cursor): number {
  const { bytes, end } = cursor;
  const start = cursor.at;
  let at = start;
  let bits = 0;
  for (let shift = 0; shift <= 28; shift += 7) {
    if (at >= end) throw truncated(start);
    const byte = bytes[at++] as number;
    if (shift === 28 && byte > 0x0f) throw overflow(start);
    bits |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  cursor.at = at;
  return (bits >>> 1) ^ -(bits & 1);
}

/** Reads a zigzag varint of at most 64 bits; one beyond ±2^52 is refused, as no time that we take needs it. Errors: `invalid_batch`. */
export function readVarlong(cursor: Cursor): number {
  const { bytes, end } = cursor;
  const start = cursor.at;
  let at = start;
  let value = 0;
  let scale = 1;
  for (let length = 1; ; length++) {
    if (at >= end) throw truncated(start);
    const byte = bytes[at++] as number;
    value += (byte & 0x7f) * scale;
    if (value > Number.MAX_SAFE_INTEGER || length > 10 || (length === 10 && byte > 1)) throw overflow(start);
    if (byte < 0x80) break;
    scale *= 128;
  }
  cursor.at = at;
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Bytes that `writeVarint` takes for a 32-bit value: 1 to 5. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}

/** Writes a zigzag varint of 32 bits; returns the place behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    bytes[at++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  bytes[at++] = zigzag;
  return at;
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}

// Doubles hold the zigzag form exactly while the value lies within ±2^52, which timestamps do.
function zigzagOf(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** Bytes that `writeVarlong` takes for an integer within ±2^52: 1 to 8. */
export function varlongSize(value: number): number {
  if (isInt32(value)) return varintSize(value);
  let size = 1;
  for (let rest = zigzagOf(value); rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes an integer within ±2^52; returns the place behind it. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (isInt32(value)) return writeVarint(bytes, at, value);
  let rest = zigzagOf(value);
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}
