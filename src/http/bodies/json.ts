// Records in JSON bodies, both ways. A JSON value is stored as the bytes that came and given back as the bytes
// that are stored, digit for digit; what is fetched can be produced again unchanged, but for white space around JSON.
//
//   value bytes that are JSON    as they are
//   other UTF-8                  a string, with "valueEncoding":"text"; so is null, for null is always a tombstone
//   other bytes                  base64, with "valueEncoding":"base64"
//   key                          text where it is UTF-8, else base64 with "keyEncoding":"base64"
//   header value                 a string, null, or {"base64":"…"} where it is not UTF-8; names likewise

import type { RecordToAppend } from '../../broker/append.ts';
import type { Header } from '../../record/batch-records.ts';
import { WadiError } from '../../record/errors.ts';
import { isJson, isNull, skipSpace, utf8 } from '../../record/json-grammar.ts';
import { type ScannedRecord, type Span, scanRecordLine, scanRecords, scanValueLine, scanValues } from '../../record/json-scanner.ts';
import { limits } from '../../record/limits.ts';
import { readHeaders } from './json-headers.ts';
import { type Encoding, invalid, parsed, parsedScalar, stringBytes } from './json-strings.ts';
import { type TextWriter, textWriter } from './text-writer.ts';

export type JsonForm = 'records' | 'value' | 'values';

export type JsonRecords = { readonly records: readonly RecordToAppend[] /** The body has a producer, of whatever form. */; readonly producer?: unknown };

/**
 * @param as `value`: the whole body is one record's value, whatever it holds; `values`: an array of values
 * @param now for records without a timestamp, and for the bound of those that have one
 * @throws WadiError invalid_json, json_too_deep, invalid_utf8, invalid_request, invalid_record (with the record's index), invalid_timestamp, too_many_records
 */
export function readJsonRecords(body: Uint8Array, as: JsonForm, { key, now }: { readonly key?: string | undefined; readonly now: number }): JsonRecords {
  const bare = { key: null, headers: [], timestamp: now };
  if (as === 'value') return { records: [{ ...bare, key: key === undefined ? null : Buffer.from(key), value: body }] };
  if (as === 'values') return { records: scanValues(body).map((span) => ({ ...bare, value: valueAt(body, span) })) };
  const { records, producer } = scanRecords(body);
  let headers = 0;
  const read = records.map((record, index) => {
    const one = readRecord(body, record, index, now);
    headers += one.headers.length;
    if (headers > limits.maxHeadersPerBatch) throw invalid(index, `The records up to records[${index}] have more than ${limits.maxHeadersPerBatch} headers together.`);
    return one;
  });
  if (producer === undefined) return { records: read };
  if ('id' in producer) return { records: read, producer };
  if (producer.end - producer.start > maxProducerBytes) throw new WadiError('invalid_request', `"producer" has more than ${maxProducerBytes} bytes.`);
  return { records: read, producer: parsed(body, producer) };
}

/** The record in a line of the body, or the one whose value the line is. @throws WadiError as `readJsonRecords`, as if it were the only one */
export function readJsonLine(body: Uint8Array, { start, end }: Span, as: 'records' | 'values', now: number): RecordToAppend {
  if (as === 'values') return { key: null, headers: noHeaders, timestamp: now, value: valueAt(body, scanValueLine(body, start, end)) };
  return readRecord(body, scanRecordLine(body, start, end), 0, now);
}

/** Three numbers and their names, with room for white space. */
const maxProducerBytes = 1024;

const noHeaders: readonly Header[] = [];

function readRecord(body: Uint8Array, record: ScannedRecord, index: number, now: number): RecordToAppend {
  const read = {
    key: readKey(body, record.key, encodingOf(body, record.keyEncoding, 'keyEncoding', index) ?? 'text', index),
    value: readValue(body, record.value, encodingOf(body, record.valueEncoding, 'valueEncoding', index), index),
    headers: record.headers === undefined ? noHeaders : readHeaders(body, record.headers, index),
    timestamp: record.timestamp === undefined ? now : readTimestamp(body, record.timestamp, index, now),
  };
  return record.partition === undefined ? read : { ...read, partition: readPartition(body, record.partition, index) };
}

function valueAt(body: Uint8Array, { start, end }: Span): Uint8Array | null {
  return isNull(body, start) ? null : body.subarray(start, end);
}

function readKey(body: Uint8Array, span: Span | undefined, encoding: Encoding, index: number): Uint8Array | null {
  return span === undefined || isNull(body, span.start) ? null : stringBytes(body, span, encoding, `records[${index}].key`, index);
}

function readValue(body: Uint8Array, span: Span | undefined, encoding: Encoding | undefined, index: number): Uint8Array | null {
  if (span === undefined) return null;
  return encoding === undefined || isNull(body, span.start) ? valueAt(body, span) : stringBytes(body, span, encoding, `records[${index}].value`, index);
}

function encodingOf(body: Uint8Array, span: Span | undefined, member: string, index: number): Encoding | undefined {
  if (span === undefined) return undefined;
  const name = parsedScalar(body, span);
  if (name === 'text' || name === 'base64') return name;
  throw invalid(index, `records[${index}].${member} is "text" or "base64".`);
}

function readTimestamp(body: Uint8Array, span: Span, index: number, now: number): number {
  const timestamp = parsedScalar(body, span);
  const latest = now + limits.maxFutureTimestampMs;
  if (Number.isSafeInteger(timestamp) && (timestamp as number) >= 0 && (timestamp as number) <= latest) return timestamp as number;
  throw new WadiError('invalid_timestamp', `records[${index}].timestamp is an integer of milliseconds since 1970, at most a day from now.`, { record: index });
}

function readPartition(body: Uint8Array, span: Span, index: number): number {
  const partition = parsedScalar(body, span);
  if (Number.isSafeInteger(partition) && (partition as number) >= 0) return partition as number;
  throw invalid(index, `records[${index}].partition is an integer from 0.`);
}

export type RecordToWrite = {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
};

export type JsonOut = {
  /** `base64`: all keys and values so. */
  readonly encoding?: 'base64' | undefined;
  /** Line breaks within values become spaces: they can only stand between tokens. */
  readonly oneLine?: boolean;
};

/** `"records":[…]` as bytes. */
export function writeJsonRecords(records: readonly RecordToWrite[], options: JsonOut = {}): Buffer {
  const out = writerFor(records);
  out.text('"records":[');
  records.forEach((record, i) => {
    if (i > 0) out.text(',');
    writeRecord(out, record, options);
  });
  out.text(']');
  return out.end();
}

/** A record a line. */
export function writeJsonLines(records: readonly RecordToWrite[], encoding: 'base64' | undefined): Buffer {
  const out = writerFor(records);
  for (const record of records) {
    writeRecord(out, record, { encoding, oneLine: true });
    out.text('\n');
  }
  return out.end();
}

const writerFor = (records: readonly RecordToWrite[]): TextWriter => textWriter(records.reduce((sum, { key, value }) => sum + 200 + (key?.length ?? 0) + (value?.length ?? 0), 20));

function writeRecord(out: TextWriter, { partition, offset, timestamp, key, value, headers }: RecordToWrite, { encoding, oneLine }: JsonOut): void {
  out.text(`{"partition":${partition},"offset":${offset},"timestamp":${timestamp},"key":`);
  if (key === null) out.text('null');
  else writeText(out, key, 'key', encoding);
  out.text(',"value":');
  if (value === null) out.text('null');
  else if (encoding === undefined && isJson(value) && !isNull(value, skipSpace(value, 0))) out.bytes(oneLine === true ? withoutBreaks(value) : value);
  else writeText(out, value, 'value', encoding);
  out.text(headers.length === 0 ? ',"headers":[]}' : `,"headers":${JSON.stringify(headers.map(([name, content]) => [headerText(name), headerText(content)]))}}`);
}

function withoutBreaks(value: Uint8Array): Uint8Array {
  return value.includes(0x0a) || value.includes(0x0d) ? value.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)) : value;
}

/** Text is what a key is by default, and a value only where it says so. */
function writeText(out: TextWriter, bytes: Uint8Array, member: 'key' | 'value', encoding: 'base64' | undefined): void {
  const text = encoding === undefined ? utf8(bytes) : undefined;
  if (text === undefined) out.text(`"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}","${member}Encoding":"base64"`);
  else out.text(member === 'key' ? JSON.stringify(text) : `${JSON.stringify(text)},"valueEncoding":"text"`);
}

function headerText(bytes: Uint8Array | null): string | null | { readonly base64: string } {
  if (bytes === null) return null;
  return utf8(bytes) ?? { base64: Buffer.from(bytes).toString('base64') };
}
