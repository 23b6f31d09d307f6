// The records inside a record batch v2: one grammar, read by the check of what producers send and by the
// decoder of what is stored. Keys, values and headers are views into the batch, or into what it decompressed to.
//
//   Record => length varint            of what follows
//             attributes int8          unused
//             timestampDelta varlong   to the batch's baseTimestamp
//             offsetDelta varint       to its baseOffset
//             keyLength varint         -1: null
//             key
//             valueLength varint       -1: null, a tombstone
//             value
//             headerCount varint
//             headers => nameLength varint, name, valueLength varint (-1: null), value
import { asCorrupt, type BatchHeader, batchHeaderBytes } from './batch-header.ts';
import type { Codecs } from './codecs.ts';
import { WadiError } from './errors.ts';
import { limits } from './limits.ts';
import { type Cursor, readVarint, readVarlong } from './varint.ts';

export type Header = readonly [name: Uint8Array, value: Uint8Array | null];

/** A record as it is produced and fetched. `timestamp` in ms since 1970; a null value is a tombstone. */
export interface RecordData {
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}

export interface DecodedRecord extends RecordData {
  readonly offset: number;
}

/** Where the parts of one record stand; a start of -1 is null. */
export interface RecordSpans {
  timestampDelta: number;
  offsetDelta: number;
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
  headersAt: number;
  headerCount: number;
}

export function emptySpans(): RecordSpans {
  return { timestampDelta: 0, offsetDelta: 0, keyStart: -1, keyEnd: -1, valueStart: -1, valueEnd: -1, headersAt: 0, headerCount: 0 };
}

/** A record of no key, value or headers: length, attributes, two deltas, two lengths, header count. */
const minRecordBytes = 7;

const noHeaders: readonly Header[] = [];

function broken(at: number, what: string): WadiError {
  return new WadiError('invalid_batch', `${what}, at byte ${at} of the records.`, { position: at });
}

/** A cursor over the records of a batch, decompressed to at most `maxBytes`. Errors: `invalid_compression`, `decompressed_too_large`. */
export function openRecords(batch: BatchHeader, codecs: Codecs, maxBytes: number): Cursor {
  const end = batch.start + batch.length;
  if (batch.compression === 'none') return { bytes: batch.bytes, at: batch.start + batchHeaderBytes, end };
  if (maxBytes <= 0) throw new WadiError('decompressed_too_large', 'The batches together become more than a request may hold.', { limit: limits.maxDecompressedRequestBytes });
  const bytes = codecs.decompress(batch.compression, batch.bytes.subarray(batch.start + batchHeaderBytes, end), maxBytes);
  return { bytes, at: 0, end: bytes.length };
}

/** Refuses a count that the bytes cannot hold, before anything is taken for it. Errors: `invalid_batch`. */
export function checkCount(count: number, records: Cursor): void {
  const bytes = records.end - records.at;
  if (count < 0 || count * minRecordBytes > bytes) throw broken(records.at, `The batch says that it has ${count} records, in ${bytes} bytes`);
}

// Steps over a length and its bytes; returns their start, or -1 for null.
function skipBytes(cursor: Cursor, end: number): number {
  const length = readVarint(cursor);
  if (length === -1) return -1;
  const start = cursor.at;
  if (length < -1 || length > end - start) throw broken(start, `A length of ${length} where ${end - start} bytes are left`);
  cursor.at = start + length;
  return start;
}

/** Reads one record to its end, which must be where its length says. Errors: `invalid_batch`. */
export function readRecord(cursor: Cursor, into: RecordSpans): void {
  const length = readVarint(cursor);
  const end = cursor.at + length;
  if (length < minRecordBytes - 1 || end > cursor.end) throw broken(cursor.at, `A record of ${length} bytes where ${cursor.end - cursor.at} are left`);
  cursor.at++;
  into.timestampDelta = readVarlong(cursor);
  into.offsetDelta = readVarint(cursor);
  into.keyStart = skipBytes(cursor, end);
  into.keyEnd = cursor.at;
  into.valueStart = skipBytes(cursor, end);
  into.valueEnd = cursor.at;
  const headers = readVarint(cursor);
  if (headers < 0 || headers > limits.maxHeadersPerRecord) throw broken(cursor.at, `${headers} headers in a record; at most ${limits.maxHeadersPerRecord} are taken`);
  into.headerCount = headers;
  into.headersAt = cursor.at;
  for (let i = 0; i < headers; i++) {
    const name = skipBytes(cursor, end);
    if (name < 0) throw broken(cursor.at, 'A header without a name');
    if (cursor.at - name > limits.maxHeaderNameBytes) throw broken(name, `A header name of ${cursor.at - name} bytes; at most ${limits.maxHeaderNameBytes} are taken`);
    skipBytes(cursor, end);
  }
  if (cursor.at !== end) throw broken(cursor.at, `The length of a record says that it ends at ${end}; it ends at ${cursor.at}`);
}

// The headers were walked by readRecord and are known to be whole.
function viewHeaders(bytes: Uint8Array, spans: RecordSpans, end: number): readonly Header[] {
  if (spans.headerCount === 0) return noHeaders;
  const cursor: Cursor = { bytes, at: spans.headersAt, end };
  const headers: Header[] = [];
  for (let i = 0; i < spans.headerCount; i++) {
    const name = skipBytes(cursor, end);
    const nameEnd = cursor.at;
    const value = skipBytes(cursor, end);
    headers.push([bytes.subarray(name, nameEnd), value < 0 ? null : bytes.subarray(value, cursor.at)]);
  }
  return headers;
}

/**
 * The records of a stored batch with their offsets, which count from `baseOffset` (the batch's own where none
 * is given). Compacted batches have gaps. The checksum is not checked: see `verifyBatch`. Memory: the
 * decompressed batch, at most `limits.maxDecompressedBatchBytes`, and an object for each record.
 * Errors: `storage_corrupt`.
 */
export function decodeBatch(batch: BatchHeader, codecs: Codecs, baseOffset: number = batch.baseOffset): DecodedRecord[] {
  try {
    const cursor = openRecords(batch, codecs, limits.maxDecompressedBatchBytes);
    const { recordCount, baseTimestamp, lastOffsetDelta } = batch;
    checkCount(recordCount, cursor);
    const { bytes, end } = cursor;
    const spans = emptySpans();
    const records: DecodedRecord[] = [];
    let last = -1;
    let headers = 0;
    for (let i = 0; i < recordCount; i++) {
      readRecord(cursor, spans);
      const { offsetDelta, keyStart, valueStart } = spans;
      if (offsetDelta <= last || offsetDelta > lastOffsetDelta) throw broken(cursor.at, `Offset delta ${offsetDelta} after ${last}, with ${lastOffsetDelta} as the last`);
      last = offsetDelta;
      headers += spans.headerCount;
      if (headers > limits.maxHeadersPerBatch) throw broken(cursor.at, `More than ${limits.maxHeadersPerBatch} headers in one batch`);
      records.push({
        offset: baseOffset + offsetDelta,
        timestamp: baseTimestamp + spans.timestampDelta,
        key: keyStart < 0 ? null : bytes.subarray(keyStart, spans.keyEnd),
        value: valueStart < 0 ? null : bytes.subarray(valueStart, spans.valueEnd),
        headers: viewHeaders(bytes, spans, end),
      });
    }
    if (cursor.at !== end) throw broken(cursor.at, `${end - cursor.at} bytes follow the last record`);
    return records;
  } catch (error) {
    throw asCorrupt(error, batch.start);
  }
}
