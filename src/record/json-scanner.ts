// Finds the spans of records and values in a JSON body, so that values are stored as the bytes that came. The
// whole body is checked against the grammar on the way; nothing in it is parsed into objects.
//
//   {"records": [ {"key"?, "keyEncoding"?, "value"?, "valueEncoding"?, "headers"?, "timestamp"?, "partition"?}, … ], "producer"?}

import { WadiError } from './errors.ts';
import { beginScan, closeArray, closeObject, colon, comma, endScan, fail, openArray, openObject, quote, scan, skipSpace, skipString, skipValue, utf8 } from './json-grammar.ts';
import { limits } from './limits.ts';

/** Bytes [start, end) of the body: one JSON value without the white space around it. */
export type Span = { readonly start: number; readonly end: number };

const recordMembers = ['key', 'keyEncoding', 'value', 'valueEncoding', 'headers', 'timestamp', 'partition'] as const;
export type ScannedRecord = { [Member in (typeof recordMembers)[number]]?: Span };

const bodyMembers = ['records', 'producer'] as const;
const producerMembers = ['id', 'epoch', 'sequence'] as const;
type ScannedProducer = { readonly [Member in (typeof producerMembers)[number]]: number };

/** `producer`: its numbers, where it is written as most clients write it; else its span, whatever is in it. */
export type ScannedBody = { readonly records: readonly ScannedRecord[]; readonly producer?: ScannedProducer | Span };

/**
 * @throws WadiError invalid_json, json_too_deep, invalid_utf8; invalid_request for members that a body has not,
 * invalid_record (with the record's index) for those that a record has not; too_many_records
 */
export function scanRecords(body: Uint8Array): ScannedBody {
  beginScan(body);
  let records: ScannedRecord[] | undefined;
  let producer: ScannedProducer | Span | undefined;
  const seen = new Set<string>();
  const end = scanObject(body, start(body, openObject, 'an object {"records":[…]}'), (name, at) => {
    const member = bodyMembers.find((known) => known === name);
    if (member === undefined) throw new WadiError('invalid_request', `The body has no member ${shown(name)}. Members: ${bodyMembers.join(', ')}.`);
    if (seen.has(member)) throw new WadiError('invalid_request', `The body has "${member}" twice.`);
    seen.add(member);
    if (member === 'producer') {
      const plainEnd = scanPlainProducer(body, at);
      const valueEnd = plainEnd < 0 ? skipValue(body, at, 0) : plainEnd;
      producer = plainEnd < 0 ? { start: at, end: valueEnd } : { id: plainNumbers[0], epoch: plainNumbers[1], sequence: plainNumbers[2] };
      return valueEnd;
    }
    records = [];
    return scanRecordList(body, at, records);
  });
  finish(body, end);
  if (records === undefined) throw new WadiError('invalid_request', 'The body has no "records".');
  return producer === undefined ? { records } : { records, producer };
}

const producerNames = producerMembers.map((member) => new TextEncoder().encode(`"${member}"`));
/** What the last scan of a plain producer found. */
const plainNumbers: [number, number, number] = [0, 0, 0];

/** Where the object ends whose members are these in this order, each an integer of digits alone; else -1, and nothing is wrong with it yet. */
function scanPlainProducer(body: Uint8Array, from: number): number {
  if (body[from] !== openObject) return -1;
  let at = skipSpace(body, from + 1);
  for (let i = 0; i < 3; i++) {
    const name = producerNames[i] as Uint8Array;
    for (let j = 0; j < name.length; j++) if (body[at++] !== name[j]) return -1;
    at = skipSpace(body, at);
    if (body[at] !== colon) return -1;
    const digitsAt = skipSpace(body, at + 1);
    let number = 0;
    for (at = digitsAt; isDigit(body[at]); at++) number = number * 10 + ((body[at] as number) - zero);
    const digits = at - digitsAt;
    if (digits === 0 || digits > maxDigits || (digits > 1 && body[digitsAt] === zero)) return -1;
    plainNumbers[i] = number;
    at = skipSpace(body, at);
    if (body[at] !== (i === 2 ? closeObject : comma)) return -1;
    at = i === 2 ? at + 1 : skipSpace(body, at + 1);
  }
  return at;
}

const zero = 0x30;
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= 0x39;
/** Of a number below 2^53: so many are exact. */
const maxDigits = 16;

/** The elements of a body that is one array. @throws WadiError as `scanRecords`, without invalid_record */
export function scanValues(body: Uint8Array): Span[] {
  beginScan(body);
  const spans: Span[] = [];
  const end = scanArray(body, start(body, openArray, 'an array'), (at) => {
    checkCount(spans.length);
    const valueEnd = skipValue(body, at, 0);
    spans.push({ start: at, end: valueEnd });
    return valueEnd;
  });
  finish(body, end);
  return spans;
}

/** The value from `start` to `end` of the body, which stands in one line. @throws WadiError invalid_json, json_too_deep, invalid_utf8 */
export function scanValueLine(body: Uint8Array, start: number, end: number): Span {
  beginScan(body);
  const at = skipSpace(body, start);
  const valueEnd = skipValue(body, at, 0);
  finishLine(body, start, end, valueEnd);
  return { start: at, end: valueEnd };
}

/** The record from `start` to `end` of the body, which stands in one line. @throws WadiError as `scanRecords` */
export function scanRecordLine(body: Uint8Array, start: number, end: number): ScannedRecord {
  beginScan(body);
  const record: ScannedRecord = {};
  finishLine(body, start, end, scanRecordAt(body, skipSpace(body, start), record, 0, end));
  return record;
}

/** What was scanned must end with its line: to the grammar an end of line is white space, and more may stand behind it. */
function finishLine(body: Uint8Array, start: number, end: number, valueEnd: number): void {
  const tooFar = valueEnd > end || (valueEnd < 0 && scan.at >= end);
  const behind = valueEnd < 0 || tooFar ? valueEnd : skipSpace(body, valueEnd);
  if (valueEnd >= 0 && !tooFar && behind >= end) {
    if (scan.high >= 0x80 && utf8(body.subarray(start, end)) === undefined) throw new WadiError('invalid_utf8', 'The line is not valid UTF-8.');
    return;
  }
  if (valueEnd >= 0 && !tooFar) fail(behind);
  throw wrongJson((tooFar ? end : scan.at) - start, tooFar);
}

function scanRecordList(body: Uint8Array, from: number, records: ScannedRecord[]): number {
  if (body[from] !== openArray) throw new WadiError('invalid_request', '"records" is an array.');
  return scanArray(body, from, (at) => {
    checkCount(records.length);
    const record: ScannedRecord = {};
    const end = scanRecordAt(body, at, record, records.length);
    records.push(record);
    return end;
  });
}

/** What stands behind `end` is no part of the record. */
function scanRecordAt(body: Uint8Array, at: number, record: ScannedRecord, index: number, end = body.length): number {
  if (body[at] !== openObject) {
    // What is no JSON at all is said to be so.
    const valueEnd = skipValue(body, at, 0);
    if (valueEnd < 0) return -1;
    if (valueEnd > end) return fail(end);
    throw recordError(index, ' is an object');
  }
  return scanObject(body, at, (name, valueAt) => {
    if (valueAt > end) return fail(end);
    const member = recordMembers.find((known) => known === name);
    if (member === undefined) throw recordError(index, ` has no member ${shown(name)}. Members: ${recordMembers.join(', ')}`);
    if (record[member] !== undefined) throw recordError(index, ` has "${member}" twice`);
    const valueEnd = skipValue(body, valueAt, 0);
    record[member] = { start: valueAt, end: valueEnd };
    return valueEnd;
  });
}

/** Calls `element` at the first byte of each, which answers where it ends; answers where the array ends, or -1. */
function scanArray(bytes: Uint8Array, from: number, element: (at: number) => number): number {
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === closeArray) return at + 1;
  for (;;) {
    at = element(at);
    if (at < 0) return at;
    at = skipSpace(bytes, at);
    if (bytes[at] === closeArray) return at + 1;
    if (bytes[at] !== comma) return fail(at);
    at = skipSpace(bytes, at + 1);
  }
}

/** Calls `member` with each name and the first byte of its value. */
function scanObject(bytes: Uint8Array, from: number, member: (name: string, at: number) => number): number {
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === closeObject) return at + 1;
  for (;;) {
    if (bytes[at] !== quote) return fail(at);
    const nameEnd = skipString(bytes, at);
    if (nameEnd < 0) return nameEnd;
    const colonAt = skipSpace(bytes, nameEnd);
    if (bytes[colonAt] !== colon) return fail(colonAt);
    at = member(nameOf(bytes, at, nameEnd), skipSpace(bytes, colonAt + 1));
    if (at < 0) return at;
    at = skipSpace(bytes, at);
    if (bytes[at] === closeObject) return at + 1;
    if (bytes[at] !== comma) return fail(at);
    at = skipSpace(bytes, at + 1);
  }
}

/** Longer than any name that is known, escapes included. */
const maxNameBytes = 100;

function nameOf(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > maxNameBytes) return new TextDecoder().decode(bytes.subarray(start + 1, start + maxNameBytes));
  let name = '';
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80 || byte === 0x5c) return JSON.parse(new TextDecoder().decode(bytes.subarray(start, end))) as string;
    name += String.fromCharCode(byte);
  }
  return name;
}

function start(body: Uint8Array, opening: number, what: string): number {
  const at = skipSpace(body, 0);
  if (body[at] === opening) return at;
  const end = skipValue(body, at, 0);
  finish(body, end);
  throw new WadiError('invalid_request', `The body is ${what}.`);
}

/** The value must end the body, and what is not ASCII must be UTF-8. */
function finish(body: Uint8Array, end: number): void {
  const behind = end < 0 ? end : skipSpace(body, end);
  if (behind >= 0 && behind !== body.length) fail(behind);
  if (behind !== body.length) throw wrongJson(scan.at, scan.at >= body.length);
  if (scan.high >= 0x80 && utf8(body) === undefined) throw new WadiError('invalid_utf8', 'The body is not valid UTF-8.');
  endScan();
}

function wrongJson(position: number, tooShort: boolean): WadiError {
  const { failure } = scan;
  if (tooShort) return new WadiError('invalid_json', 'The JSON ends too early.', { position });
  if (failure === 'json_too_deep') return new WadiError(failure, `The JSON is nested more than ${limits.maxJsonDepth} deep, at byte ${position}.`, { position, limit: limits.maxJsonDepth });
  return new WadiError(failure, `The JSON goes wrong at byte ${position}.`, { position });
}

function checkCount(before: number): void {
  if (before >= limits.maxRecordsPerRequest) {
    throw new WadiError('too_many_records', `A request takes ${limits.maxRecordsPerRequest} records. Send the rest in further requests.`, { limit: limits.maxRecordsPerRequest });
  }
}

const shown = (name: string): string => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);

const recordError = (index: number, what: string): WadiError => new WadiError('invalid_record', `records[${index}]${what}.`, { record: index });
