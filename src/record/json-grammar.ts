// The JSON grammar over bytes (RFC 8259), as JSON.parse has it: finds where a value ends without making anything
// of it. Nothing is thrown and nothing allocated on the way; a failure is a negative position and its kind.

import { limits } from './limits.ts';

export type JsonFailure = 'invalid_json' | 'json_too_deep';

/**
 * What the scan under way has met. Scans are synchronous and never nested, so one of these serves all:
 * `high` collects the bits of all bytes in strings, for only a body with bytes beyond ASCII needs a check for UTF-8.
 */
export const scan = { failure: 'invalid_json' as JsonFailure, at: 0, high: 0 };

export function beginScan(): void {
  scan.failure = 'invalid_json';
  scan.at = 0;
  scan.high = 0;
}

/** Not JSON, from this position on. */
export function fail(at: number, failure: JsonFailure = 'invalid_json'): -1 {
  scan.failure = failure;
  scan.at = at;
  return -1;
}

export const quote = 0x22;
export const comma = 0x2c;
export const colon = 0x3a;
export const openArray = 0x5b;
export const closeArray = 0x5d;
export const openObject = 0x7b;
export const closeObject = 0x7d;
const backslash = 0x5c;

/** 1 for the bytes that stand for themselves in a string. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x20 && byte !== quote && byte !== backslash ? 1 : 0));
const isSimpleEscape = Uint8Array.from({ length: 256 }, (_, byte) => ('"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0));
const isHex = Uint8Array.from({ length: 256 }, (_, byte) => (/^[0-9a-fA-F]$/.test(String.fromCharCode(byte)) ? 1 : 0));

export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at += 1;
  }
  return at;
}

/** From the first byte of a value to behind its last, or -1. `depth`: of arrays and objects around it. */
export function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  switch (bytes[at]) {
    case quote:
      return skipString(bytes, at);
    case openObject:
      return skipObject(bytes, at, depth + 1);
    case openArray:
      return skipArray(bytes, at, depth + 1);
    case 0x74:
      return bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 && bytes[at + 3] === 0x65 ? at + 4 : fail(at);
    case 0x66:
      return bytes[at + 1] === 0x61 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x73 && bytes[at + 4] === 0x65 ? at + 5 : fail(at);
    case 0x6e:
      return isNull(bytes, at) ? at + 4 : fail(at);
    default:
      return skipNumber(bytes, at);
  }
}

export const isNull = (bytes: Uint8Array, at: number): boolean => bytes[at] === 0x6e && bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c;

/** From the opening quote to behind the closing one, or -1. */
export function skipString(bytes: Uint8Array, from: number): number {
  const { length } = bytes;
  let high = 0;
  let at = from + 1;
  for (;;) {
    // Four at a time: most of a body is the inside of strings.
    while (at + 4 <= length) {
      const a = bytes[at] as number;
      const b = bytes[at + 1] as number;
      const c = bytes[at + 2] as number;
      const d = bytes[at + 3] as number;
      if (((plain[a] as number) & (plain[b] as number) & (plain[c] as number) & (plain[d] as number)) === 0) break;
      high |= a | b | c | d;
      at += 4;
    }
    while (at < length && plain[bytes[at] as number] === 1) high |= bytes[at++] as number;
    const byte = bytes[at] ?? 0;
    if (byte < 0x20) return fail(at);
    if (byte === quote) {
      scan.high |= high;
      return at + 1;
    }
    const escaped = bytes[at + 1] ?? 0;
    if (isSimpleEscape[escaped] === 1) at += 2;
    else if (escaped === 0x75 && isHex[bytes[at + 2] ?? 0] && isHex[bytes[at + 3] ?? 0] && isHex[bytes[at + 4] ?? 0] && isHex[bytes[at + 5] ?? 0]) at += 6;
    else return fail(at);
  }
}

function skipNumber(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === 0x2d ? from + 1 : from;
  if (bytes[at] === 0x30) at += 1;
  else {
    const digits = skipDigits(bytes, at);
    if (digits === at) return fail(from);
    at = digits;
  }
  if (bytes[at] === 0x2e) {
    const digits = skipDigits(bytes, at + 1);
    if (digits === at + 1) return fail(at);
    at = digits;
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at += 1;
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1;
    const digits = skipDigits(bytes, at);
    if (digits === at) return fail(at);
    at = digits;
  }
  return at;
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39) at += 1;
  return at;
}

function skipArray(bytes: Uint8Array, from: number, depth: number): number {
  if (depth > limits.maxJsonDepth) return fail(from, 'json_too_deep');
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === closeArray) return at + 1;
  for (;;) {
    at = skipValue(bytes, at, depth);
    if (at < 0) return at;
    at = skipSpace(bytes, at);
    if (bytes[at] === closeArray) return at + 1;
    if (bytes[at] !== comma) return fail(at);
    at = skipSpace(bytes, at + 1);
  }
}

function skipObject(bytes: Uint8Array, from: number, depth: number): number {
  if (depth > limits.maxJsonDepth) return fail(from, 'json_too_deep');
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === closeObject) return at + 1;
  for (;;) {
    at = skipName(bytes, at);
    if (at < 0) return at;
    at = skipValue(bytes, at, depth);
    if (at < 0) return at;
    at = skipSpace(bytes, at);
    if (bytes[at] === closeObject) return at + 1;
    if (bytes[at] !== comma) return fail(at);
    at = skipSpace(bytes, at + 1);
  }
}

/** From the quote of a member's name to the first byte of its value, or -1. */
function skipName(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== quote) return fail(from);
  const end = skipString(bytes, from);
  if (end < 0) return end;
  const at = skipSpace(bytes, end);
  return bytes[at] === colon ? skipSpace(bytes, at + 1) : fail(at);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text, or undefined where the bytes are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether the bytes are one JSON value, with white space around it or not, nested no deeper than the limit. */
export function isJson(bytes: Uint8Array): boolean {
  beginScan();
  const end = skipValue(bytes, skipSpace(bytes, 0), 0);
  return end >= 0 && skipSpace(bytes, end) === bytes.length && (scan.high < 0x80 || utf8(bytes) !== undefined);
}
