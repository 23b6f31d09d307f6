// What is demanded of the record batches that a producer sends ready made, before a byte of them is stored.
// What passes can be served for ever without another look inside: the counts, times and lengths are true.
// Bounded by the limits, and refused by name; a check neither depends on baseOffset and partitionLeaderEpoch,
// which stand outside the checksum, nor changes a byte.
import { type BatchHeader, batchLengthAt, hasTrueCrc, readBatchHeader } from './batch-header.ts';
import { checkCount, emptySpans, openRecords, readRecord } from './batch-records.ts';
import type { Codecs } from './codecs.ts';
import { type ErrorCode, WadiError } from './errors.ts';
import { limits } from './limits.ts';

export interface CheckedBatch {
  /** A view of the whole batch in the body. */
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly maxTimestamp: number;
  /** -1, with -1 for epoch and sequence, where the batch carries no producer. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

export interface CheckOptions {
  /** The topic's `max.message.bytes`: the most that one batch may have, header included. */
  readonly maxMessageBytes: number;
  /** The time in ms since 1970; timestamps lie in [0, now + limits.maxFutureTimestampMs]. */
  readonly now: number;
}

// Bits 7 to 15 mean nothing today, and 6 (a delete horizon) is a broker's to set.
const unknownAttributes = ~0x3f;

function fail(code: ErrorCode, index: number, what: string): WadiError {
  return new WadiError(code, `batches[${index}]: ${what}`, { batch: index });
}

/**
 * Checks a body of record batches, one after another to its end. Whether producers are taken is the caller's
 * to decide. Errors: `invalid_batch`, `corrupt_batch`, `unsupported_batch`, `record_too_large`,
 * `invalid_timestamp`, `invalid_compression`, `decompressed_too_large`.
 */
export function checkBatches(bytes: Uint8Array, codecs: Codecs, options: CheckOptions): CheckedBatch[] {
  if (bytes.length === 0) throw new WadiError('invalid_batch', 'The body holds no record batch.');
  const checked: CheckedBatch[] = [];
  let decompressible: number = limits.maxDecompressedRequestBytes;
  for (let start = 0; start < bytes.length; ) {
    const index = checked.length;
    if (index === limits.maxBatchesPerRequest) throw new WadiError('invalid_batch', `More than ${limits.maxBatchesPerRequest} batches in one request.`, { limit: limits.maxBatchesPerRequest });
    try {
      checkBytes(bytes, start, index, codecs, options);
      const batch = readBatchHeader(bytes, start);
      checkHeader(batch, index);
      decompressible -= checkRecords(batch, index, codecs, decompressible, options);
      const producer = batch.producerId >= 0;
      checked.push({
        bytes: bytes.subarray(start, start + batch.length),
        count: batch.recordCount,
        maxTimestamp: batch.maxTimestamp,
        producerId: batch.producerId,
        producerEpoch: producer ? batch.producerEpoch : -1,
        baseSequence: producer ? batch.baseSequence : -1,
      });
      start += batch.length;
    } catch (error) {
      throw named(error, index);
    }
  }
  return checked;
}

// Errors from below know a place in the batch, not which batch it was.
function named(error: unknown, index: number): unknown {
  if (!(error instanceof WadiError) || 'batch' in error.facts) return error;
  return new WadiError(error.code, `batches[${index}]: ${error.message}`, { ...error.facts, batch: index }, { cause: error });
}

// The checksum comes before everything that it covers, so that damage on the way is told from a bad producer.
function checkBytes(bytes: Uint8Array, start: number, index: number, codecs: Codecs, options: CheckOptions): void {
  const length = batchLengthAt(bytes, start);
  if (length > options.maxMessageBytes) {
    throw new WadiError('record_too_large', `batches[${index}]: it has ${length} bytes; the topic takes ${options.maxMessageBytes}.`, {
      batch: index,
      bytes: length,
      maxMessageBytes: options.maxMessageBytes,
    });
  }
  if (!hasTrueCrc(bytes, start, length, codecs)) throw fail('corrupt_batch', index, 'its CRC-32C does not match its bytes.');
}

function checkHeader(batch: BatchHeader, index: number): void {
  const { recordCount, lastOffsetDelta } = batch;
  if (batch.control) throw fail('unsupported_batch', index, 'control batches are not taken.');
  if (batch.transactional) throw fail('unsupported_batch', index, 'transactional batches are not taken; see POST /v1/transactions.');
  if (batch.timestampType !== 'CreateTime') throw fail('unsupported_batch', index, 'its timestamp type is LogAppendTime; only CreateTime is taken.');
  if ((batch.attributes & unknownAttributes) !== 0) throw fail('unsupported_batch', index, `its attributes ${batch.attributes & 0xffff} hold bits that are not taken.`);
  if (recordCount < 1 || recordCount !== lastOffsetDelta + 1) throw fail('invalid_batch', index, `it says ${recordCount} records and ${lastOffsetDelta} as the last offset delta.`);
  if (recordCount > limits.maxRecordsPerBatch) throw fail('invalid_batch', index, `it says ${recordCount} records; at most ${limits.maxRecordsPerBatch} are taken.`);
  if (batch.producerId < -1) throw fail('invalid_batch', index, `producer id ${batch.producerId}.`);
  if (batch.producerId >= 0 && (batch.producerEpoch < 0 || batch.baseSequence < 0))
    throw fail('invalid_batch', index, `producer epoch ${batch.producerEpoch} and base sequence ${batch.baseSequence}.`);
}

// Walks all records to the end; returns how many bytes were decompressed for it.
function checkRecords(batch: BatchHeader, index: number, codecs: Codecs, decompressible: number, options: CheckOptions): number {
  const cursor = openRecords(batch, codecs, Math.min(limits.maxDecompressedBatchBytes, decompressible));
  const bytes = batch.compression === 'none' ? 0 : cursor.end;
  const { recordCount, baseTimestamp } = batch;
  checkCount(recordCount, cursor);
  const maxAllowed = options.now + limits.maxFutureTimestampMs;
  const spans = emptySpans();
  let maxTimestamp = -1;
  let headers = 0;
  for (let i = 0; i < recordCount; i++) {
    readRecord(cursor, spans);
    if (spans.offsetDelta !== i) throw fail('invalid_batch', index, `record ${i} has offset delta ${spans.offsetDelta}.`);
    const timestamp = baseTimestamp + spans.timestampDelta;
    if (!(timestamp >= 0 && timestamp <= maxAllowed)) throw fail('invalid_timestamp', index, `the timestamp of record ${i}, ${timestamp}, is not in [0, ${maxAllowed}].`);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    headers += spans.headerCount;
    if (headers > limits.maxHeadersPerBatch) throw fail('invalid_batch', index, `its records have more than ${limits.maxHeadersPerBatch} headers together.`);
  }
  if (cursor.at !== cursor.end) throw fail('invalid_batch', index, `${cursor.end - cursor.at} bytes follow its last record.`);
  if (batch.maxTimestamp !== maxTimestamp) throw fail('invalid_batch', index, `it says ${batch.maxTimestamp} as its greatest timestamp; that is ${maxTimestamp}.`);
  return bytes;
}
