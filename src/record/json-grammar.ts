// The JSON grammar over bytes (RFC 8259), as JSON.parse has it: finds where a value ends without making anything
// of it. Nothing is thrown and nothing allocated on the way; a failure is a negative position and its kind.

import { limits } from './limits.ts';

export type JsonFailure = 'invalid_json' | 'json_too_deep';

/**
 * What the scan under way has met. Scans are synchronous and never nested, so one of these serves all:
 * `high` collects the bits of all bytes in strings, for only a body with bytes beyond ASCII needs a check for UTF-8.
 */
export const scan = { failure: 'invalid_json' as JsonFailure, at: 0, high: 0 };

const noWords = new Int32Array(0);
/** The bytes of the scan under way, or of the last one, four at a time; the first word begins `wordShift` bytes before the first byte. */
let words: Int32Array = noWords;
let wordShift = 0;
let wordsOf: Uint8Array | undefined;

export function beginScan(bytes: Uint8Array): void {
  scan.failure = 'invalid_json';
  scan.at = 0;
  scan.high = 0;
  if (wordsOf === bytes) return;
  wordsOf = bytes;
  wordShift = bytes.byteOffset & 3;
  words = new Int32Array(bytes.buffer, bytes.byteOffset - wordShift, (bytes.length + wordShift) >> 2);
}

/** The bytes are let go. */
export function endScan(): void {
  wordsOf = undefined;
  words = noWords;
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

/** Strings up to about this long are looked through byte by byte. */
const shortBytes = 8;
/** 1 for the bytes that stand for themselves in a string. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x20 && byte !== quote && byte !== backslash ? 1 : 0));
const isSimpleEscape = Uint8Array.from({ length: 256 }, (_, byte) => ('"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0));
const isHex = Uint8Array.from({ length: 256 }, (_, byte) => (/^[0-9a-fA-F]$/.test(String.fromCharCode(byte)) ? 1 : 0));

export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at] as number)) at += 1;
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
  const inWords = bytes === wordsOf;
  let high = 0;
  let at = from + 1;
  let byte = 0;
  for (;;) {
    // Short strings end here; longer ones come to where a word begins.
    const aligned = ((at + shortBytes + 3 + wordShift) & ~3) - wordShift;
    const stop = inWords && aligned < length ? aligned : length;
    while (at < stop) {
      byte = bytes[at] as number;
      if (plain[byte] === 0) break;
      high |= byte;
      at += 1;
    }
    if (at === stop && at < length) {
      const all = words;
      let word = (at + wordShift) >> 2;
      let highWord = 0;
      for (; word < all.length; word++) {
        const four = all[word] as number;
        // The top bit of a byte is set where the byte is a quote, a backslash or below a space; perhaps also above one that is.
        if ((((four ^ 0x22222222) - 0x01010101) | ((four ^ 0x5c5c5c5c) - 0x01010101) | (four - 0x20202020)) & ~four & 0x80808080) break;
        highWord |= four;
      }
      high |= highWord | (highWord >> 8) | (highWord >> 16) | (highWord >> 24);
      at = (word << 2) - wordShift;
      while (at < length) {
        byte = bytes[at] as number;
        if (plain[byte] === 0) break;
        high |= byte;
        at += 1;
      }
    }
    if (at >= length || byte < 0x20) return fail(at);
    if (byte === quote) {
      scan.high |= high & 0xff;
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
  let byte = bytes[at] as number;
  while (byte >= 0x30 && byte <= 0x39) byte = bytes[++at] as number;
  return at;
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

// Where most of a body is passed, a call for each place that may hold white space and mostly does not would cost more
// than all else: hence the loops below. Beyond the end a byte is undefined, which is none of those looked for.

function skipArray(bytes: Uint8Array, from: number, depth: number): number {
  if (depth > limits.maxJsonDepth) return fail(from, 'json_too_deep');
  let at = from + 1;
  while (isSpace(bytes[at] as number)) at += 1;
  if (bytes[at] === closeArray) return at + 1;
  for (;;) {
    at = skipValue(bytes, at, depth);
    if (at < 0) return at;
    while (isSpace(bytes[at] as number)) at += 1;
    if (bytes[at] === closeArray) return at + 1;
    if (bytes[at] !== comma) return fail(at);
    at += 1;
    while (isSpace(bytes[at] as number)) at += 1;
  }
}

function skipObject(bytes: Uint8Array, from: number, depth: number): number {
  if (depth > limits.maxJsonDepth) return fail(from, 'json_too_deep');
  let at = from + 1;
  while (isSpace(bytes[at] as number)) at += 1;
  if (bytes[at] === closeObject) return at + 1;
  for (;;) {
    if (bytes[at] !== quote) return fail(at);
    at = skipString(bytes, at);
    if (at < 0) return at;
    while (isSpace(bytes[at] as number)) at += 1;
    if (bytes[at] !== colon) return fail(at);
    at += 1;
    while (isSpace(bytes[at] as number)) at += 1;
    at = skipValue(bytes, at, depth);
    if (at < 0) return at;
    while (isSpace(bytes[at] as number)) at += 1;
    if (bytes[at] === closeObject) return at + 1;
    if (bytes[at] !== comma) return fail(at);
    at += 1;
    while (isSpace(bytes[at] as number)) at += 1;
  }
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
  beginScan(bytes);
  const end = skipValue(bytes, skipSpace(bytes, 0), 0);
  return end >= 0 && skipSpace(bytes, end) === bytes.length && (scan.high < 0x80 || utf8(bytes) !== undefined);
}
