// Records into record batches v2: sizes first, then one allocation of exactly that size, which is written
// once. Offsets and leader epoch are 0, the form in which batches are stored. A batch that compression would
// not make smaller goes uncompressed, so a batch is never larger than its plan.
import { batchHeaderBytes } from './batch-header.ts';
import type { RecordData } from './batch-records.ts';
import { type Codecs, compressionByCode } from './codecs.ts';
import { WadiError } from './errors.ts';
import { limits } from './limits.ts';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts';

export interface EncodeOptions {
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** id below 2^53, epoch below 2^15, sequence of the first record below 2^31 (KIP-98). */
  readonly producer?: { readonly id: number; readonly epoch: number; readonly sequence: number };
}

export interface EncodedBatches {
  /** All batches, one after another. */
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly maxTimestamp: number;
  readonly batches: number;
}

/** The largest timestamp that the format is asked to hold: deltas stay exact in doubles. */
const maxTimestampMs = 2 ** 52 - 1;
export const maxProducerEpoch = 0x7fff;
export const maxSequence = 0x7fff_ffff;

/** Records from `from` to before `to`, `bytes` with the batch's header, uncompressed, `headers` of the records. */
interface Plan {
  from: number;
  to: number;
  bytes: number;
  headers: number;
  maxTimestamp: number;
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

/** Bytes of a record after its length, at given deltas. Errors: `invalid_record` (too many headers, a name too long). */
function bodySize(record: RecordData, index: number, timestampDelta: number, offsetDelta: number): number {
  const { headers } = record;
  let size = 1 + varlongSize(timestampDelta) + varintSize(offsetDelta) + bytesSize(record.key) + bytesSize(record.value) + varintSize(headers.length);
  if (headers.length > 0) {
    if (headers.length > limits.maxHeadersPerRecord)
      throw new WadiError('invalid_record', `records[${index}] has ${headers.length} headers; at most ${limits.maxHeadersPerRecord} are taken.`, { record: index });
    for (const [name, value] of headers) {
      if (name.length > limits.maxHeaderNameBytes)
        throw new WadiError('invalid_record', `records[${index}] has a header name of ${name.length} bytes; at most ${limits.maxHeaderNameBytes} are taken.`, { record: index });
      size += bytesSize(name) + bytesSize(value);
    }
  }
  return size;
}

/** The bytes that a record takes in a batch of its own, the batch's header included: what `max.message.bytes` bounds. */
export function recordSize(record: RecordData): number {
  const body = bodySize(record, 0, 0, 0);
  return batchHeaderBytes + varintSize(body) + body;
}

/** Cuts records into batches of at most `maxBytes` and within the limits of a batch, and notes each record's size, which does not change any more. */
function planBatches(records: readonly RecordData[], maxBytes: number, sizes: number[]): Plan[] {
  const plans: Plan[] = [];
  let plan: Plan | undefined;
  let baseTimestamp = 0;
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as RecordData;
    const { timestamp } = record;
    if (!Number.isInteger(timestamp) || timestamp < 0 || timestamp > maxTimestampMs)
      throw new WadiError('invalid_timestamp', `records[${i}].timestamp is not an integer from 0 to 2^52 - 1.`, { record: i });
    if (plan !== undefined) {
      const body = bodySize(record, i, timestamp - baseTimestamp, i - plan.from);
      const bytes = plan.bytes + varintSize(body) + body;
      const headers = plan.headers + record.headers.length;
      if (bytes <= maxBytes && headers <= limits.maxHeadersPerBatch && i - plan.from < limits.maxRecordsPerBatch) {
        sizes.push(body);
        plan.bytes = bytes;
        plan.headers = headers;
        plan.to = i + 1;
        if (timestamp > plan.maxTimestamp) plan.maxTimestamp = timestamp;
        continue;
      }
    }
    const body = bodySize(record, i, 0, 0);
    const bytes = batchHeaderBytes + varintSize(body) + body;
    if (bytes > maxBytes) throw new WadiError('record_too_large', `records[${i}] takes ${bytes} bytes as a batch; at most ${maxBytes} are taken.`, { record: i, bytes, maxMessageBytes: maxBytes });
    sizes.push(body);
    baseTimestamp = timestamp;
    plan = { from: i, to: i + 1, bytes, headers: record.headers.length, maxTimestamp: timestamp };
    plans.push(plan);
  }
  return plans;
}

function writeBytes(out: Uint8Array, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    out[at] = 1;
    return at + 1;
  }
  const { length } = bytes;
  at = writeVarint(out, at, length);
  // A call costs more than a few bytes do.
  if (length < 16) for (let i = 0; i < length; i++) out[at + i] = bytes[i] as number;
  else out.set(bytes, at);
  return at + length;
}

function writeRecords(out: Uint8Array, at: number, records: readonly RecordData[], plan: Plan, sizes: readonly number[]): void {
  const baseTimestamp = (records[plan.from] as RecordData).timestamp;
  for (let i = plan.from; i < plan.to; i++) {
    const record = records[i] as RecordData;
    at = writeVarint(out, at, sizes[i] as number);
    out[at++] = 0;
    at = writeVarlong(out, at, record.timestamp - baseTimestamp);
    at = writeVarint(out, at, i - plan.from);
    at = writeBytes(out, at, record.key);
    at = writeBytes(out, at, record.value);
    at = writeVarint(out, at, record.headers.length);
    for (const [name, value] of record.headers) at = writeBytes(out, writeBytes(out, at, name), value);
  }
}

// `length` bytes from `start` hold the batch, its records already written.
function writeHeader(
  out: Uint8Array,
  start: number,
  length: number,
  compression: EncodeOptions['compression'],
  records: readonly RecordData[],
  plan: Plan,
  options: EncodeOptions,
  codecs: Codecs,
): void {
  const view = new DataView(out.buffer, out.byteOffset + start, length);
  const count = plan.to - plan.from;
  const { producer } = options;
  // baseOffset and partitionLeaderEpoch are 0, whatever an earlier batch, which compression made shorter, left here.
  out.fill(0, start, start + batchHeaderBytes);
  view.setInt32(8, length - 12);
  view.setInt8(16, 2);
  view.setInt16(21, compressionByCode.indexOf(compression));
  view.setInt32(23, count - 1);
  setInt64(view, 27, (records[plan.from] as RecordData).timestamp);
  setInt64(view, 35, plan.maxTimestamp);
  setInt64(view, 43, producer === undefined ? -1 : producer.id);
  view.setInt16(51, producer === undefined ? -1 : producer.epoch);
  view.setInt32(53, producer === undefined ? -1 : sequenceAfter(producer.sequence, plan.from));
  view.setInt32(57, count);
  view.setUint32(17, codecs.crc32c(out.subarray(start + 21, start + length)));
}

function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}

/** The sequence `count` records after `sequence`: it wraps to 0 after 2^31 - 1, as in Kafka. */
export function sequenceAfter(sequence: number, count: number): number {
  const next = sequence + count;
  return next > maxSequence ? next - maxSequence - 1 : next;
}

function checkProducer({ producer }: EncodeOptions): void {
  if (producer === undefined) return;
  const { id, epoch, sequence } = producer;
  const within = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;
  if (!within(id, Number.MAX_SAFE_INTEGER) || !within(epoch, maxProducerEpoch) || !within(sequence, maxSequence)) {
    throw new WadiError('invalid_request', 'A producer has an id below 2^53, an epoch below 2^15 and a sequence below 2^31, none negative.');
  }
}

/**
 * One batch of all records, in their order. Errors: `invalid_record` (no records), `too_many_records`
 * (limits.maxRecordsPerBatch), `record_too_large` (more than limits.maxDecompressedBatchBytes, or headers than
 * limits.maxHeadersPerBatch), `invalid_timestamp`.
 */
export function encodeBatch(records: readonly RecordData[], options: EncodeOptions, codecs: Codecs): Uint8Array {
  if (records.length > limits.maxRecordsPerBatch)
    throw new WadiError('too_many_records', `${records.length} records; a batch takes ${limits.maxRecordsPerBatch}.`, { limit: limits.maxRecordsPerBatch });
  const encoded = encodeBatches(records, { ...options, maxMessageBytes: limits.maxDecompressedBatchBytes }, codecs);
  if (encoded.batches !== 1)
    throw new WadiError('record_too_large', `The records take more than ${limits.maxDecompressedBatchBytes} bytes or ${limits.maxHeadersPerBatch} headers, too many for one batch.`);
  return encoded.bytes;
}

/**
 * As many batches as `maxMessageBytes` asks for, in the order of the records; each at most that long, before
 * and after compression. A producer's sequence runs on from batch to batch.
 * Errors: `invalid_record` (no records), `record_too_large` and `invalid_timestamp` with the record's index.
 */
export function encodeBatches(records: readonly RecordData[], options: EncodeOptions & { readonly maxMessageBytes: number }, codecs: Codecs): EncodedBatches {
  if (records.length === 0) throw new WadiError('invalid_record', 'A record batch holds at least one record.');
  checkProducer(options);
  const sizes: number[] = [];
  const plans = planBatches(records, Math.min(options.maxMessageBytes, limits.maxDecompressedBatchBytes), sizes);
  let total = 0;
  let maxTimestamp = 0;
  for (const plan of plans) {
    total += plan.bytes;
    if (plan.maxTimestamp > maxTimestamp) maxTimestamp = plan.maxTimestamp;
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const plan of plans) at += writeBatch(out, at, records, plan, sizes, options, codecs);
  return { bytes: at === total ? out : out.slice(0, at), count: records.length, maxTimestamp, batches: plans.length };
}

// Returns the length of the batch, at most that of its plan.
function writeBatch(out: Uint8Array, start: number, records: readonly RecordData[], plan: Plan, sizes: readonly number[], options: EncodeOptions, codecs: Codecs): number {
  const from = start + batchHeaderBytes;
  writeRecords(out, from, records, plan, sizes);
  if (options.compression !== 'none') {
    const compressed = codecs.compress(options.compression, out.subarray(from, start + plan.bytes));
    const length = batchHeaderBytes + compressed.length;
    if (length < plan.bytes) {
      out.set(compressed, from);
      writeHeader(out, start, length, options.compression, records, plan, options, codecs);
      return length;
    }
  }
  writeHeader(out, start, plan.bytes, 'none', records, plan, options, codecs);
  return plan.bytes;
}
