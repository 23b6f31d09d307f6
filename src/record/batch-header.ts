// The header of a record batch, format v2 (Kafka's message format of 0.11, KIP-98), and what can be done with
// it alone: step over stored batches, check a checksum, set the base offset. Reading a header never takes
// memory by what it claims, and a header that is returned lies wholly within its bytes.
//
//   RecordBatch => baseOffset int64            0   not under the CRC
//                  batchLength int32           8   bytes that follow
//                  partitionLeaderEpoch int32 12   not under the CRC
//                  magic int8                 16   2
//                  crc uint32                 17   CRC-32C of all bytes from attributes to the end
//                  attributes int16           21   0-2 compression, 3 timestampType, 4 transactional,
//                                                  5 control, 6 deleteHorizon (KIP-534)
//                  lastOffsetDelta int32      23
//                  baseTimestamp int64        27
//                  maxTimestamp int64         35
//                  producerId int64           43   -1: none
//                  producerEpoch int16        51
//                  baseSequence int32         53
//                  recordCount int32          57
//                  records                    61   see batch-records.ts; compressed as a whole
import { type Codecs, type Compression, compressionByCode } from './codecs.ts';
import { WadiError } from './errors.ts';
import { limits } from './limits.ts';

export const batchHeaderBytes = 61;
/** baseOffset and batchLength, which `batchLength` does not count. */
const overhead = 12;
const crcFrom = 21;

/** A batch in its bytes. Times in ms since 1970; `length` counts all bytes of the batch. */
export interface BatchHeader {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly baseOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly compression: Compression;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly transactional: boolean;
  readonly control: boolean;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** -1 where there is none. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

function int32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}

function int16At(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);
}

function roughInt64At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) * 0x1_0000_0000 + (int32At(bytes, at + 4) >>> 0);
}

function int64At(bytes: Uint8Array, at: number, name: string): number {
  const value = roughInt64At(bytes, at);
  if (!Number.isSafeInteger(value)) throw new WadiError('invalid_batch', `${name} of the batch is not below 2^53.`, { position: at });
  return value;
}

/**
 * All bytes of the batch at `start`, which lies wholly within `bytes`; nothing that its checksum covers is looked at.
 * Errors: `invalid_batch` (length), `unsupported_batch` (magic other than 2).
 */
export function batchLengthAt(bytes: Uint8Array, start: number): number {
  const available = bytes.length - start;
  // The magic stands at the same place in all versions, and an older one is told from a truncated one.
  if (available > 16 && bytes[start + 16] !== 2) throw new WadiError('unsupported_batch', `The batch at byte ${start} has magic ${bytes[start + 16]}; only 2 is taken.`, { position: start });
  if (available < batchHeaderBytes) throw new WadiError('invalid_batch', `The batch at byte ${start} ends within its header: ${available} of ${batchHeaderBytes} bytes.`, { position: start });
  const length = int32At(bytes, start + 8) + overhead;
  if (length < batchHeaderBytes || length > available)
    throw new WadiError('invalid_batch', `The batch at byte ${start} says that it has ${length} bytes; ${available} are there.`, { position: start });
  return length;
}

/**
 * Reads the header of the batch at `start`. The batch lies wholly within `bytes`; nothing else of it is checked.
 * Errors: `invalid_batch` (length, a number beyond 2^53), `unsupported_batch` (magic other than 2, unknown compression).
 */
export function readBatchHeader(bytes: Uint8Array, start: number): BatchHeader {
  const length = batchLengthAt(bytes, start);
  const attributes = int16At(bytes, start + 21);
  const compression = compressionByCode[attributes & 7];
  if (compression === undefined) throw new WadiError('unsupported_batch', `The batch at byte ${start} has compression ${attributes & 7}, which is unknown.`, { position: start });
  return {
    bytes,
    start,
    length,
    // What a producer writes here means nothing and must not fail its batch; stored ones are checked below.
    baseOffset: roughInt64At(bytes, start),
    partitionLeaderEpoch: int32At(bytes, start + 12),
    magic: 2,
    crc: int32At(bytes, start + 17) >>> 0,
    attributes,
    compression,
    timestampType: (attributes & 8) === 0 ? 'CreateTime' : 'LogAppendTime',
    transactional: (attributes & 16) !== 0,
    control: (attributes & 32) !== 0,
    lastOffsetDelta: int32At(bytes, start + 23),
    baseTimestamp: int64At(bytes, start + 27, 'baseTimestamp'),
    maxTimestamp: int64At(bytes, start + 35, 'maxTimestamp'),
    producerId: int64At(bytes, start + 43, 'producerId'),
    producerEpoch: int16At(bytes, start + 51),
    baseSequence: int32At(bytes, start + 53),
    recordCount: int32At(bytes, start + 57),
  };
}

/** Whether the checksum of the batch in bytes[start, start + length) is that of its bytes. */
export function hasTrueCrc(bytes: Uint8Array, start: number, length: number, codecs: Codecs): boolean {
  return codecs.crc32c(bytes.subarray(start + crcFrom, start + length)) === int32At(bytes, start + 17) >>> 0;
}

/** Damage of stored bytes is loud (I14): whatever is wrong with them becomes `storage_corrupt`, with the place. */
export function asCorrupt(error: unknown, start: number): unknown {
  if (!(error instanceof WadiError) || error.code === 'storage_corrupt') return error;
  return new WadiError('storage_corrupt', `The stored batch at byte ${start} cannot be read: ${error.message}`, { ...error.facts, position: start }, { cause: error });
}

/** The headers of stored batches, one after another to the end of `bytes`; lengths and counts only, no checksum. Errors: `storage_corrupt`. */
export function* storedBatches(bytes: Uint8Array): Generator<BatchHeader, void, undefined> {
  for (let start = 0; start < bytes.length; ) {
    const batch = storedBatchAt(bytes, start);
    yield batch;
    start += batch.length;
  }
}

/** The header of the stored batch at `start`. Errors: `storage_corrupt`. */
export function storedBatchAt(bytes: Uint8Array, start: number): BatchHeader {
  try {
    const batch = readBatchHeader(bytes, start);
    if (!Number.isSafeInteger(batch.baseOffset) || batch.baseOffset < 0) throw new WadiError('invalid_batch', `Its base offset ${batch.baseOffset} is none.`);
    // Compaction leaves gaps, so a stored batch may have fewer records than offsets, never more.
    if (batch.recordCount < 0 || batch.lastOffsetDelta < 0 || batch.recordCount > batch.lastOffsetDelta + 1) {
      throw new WadiError('invalid_batch', `It says ${batch.recordCount} records and ${batch.lastOffsetDelta} as its last offset delta.`);
    }
    if (batch.recordCount > limits.maxRecordsPerBatch) throw new WadiError('invalid_batch', `It says ${batch.recordCount} records; at most ${limits.maxRecordsPerBatch} were ever taken.`);
    return batch;
  } catch (error) {
    throw asCorrupt(error, start);
  }
}

/** Checks the checksum of a stored batch. Errors: `storage_corrupt`. */
export function verifyBatch(batch: BatchHeader, codecs: Codecs): void {
  if (!hasTrueCrc(batch.bytes, batch.start, batch.length, codecs))
    throw new WadiError('storage_corrupt', `The checksum of the stored batch at byte ${batch.start} does not match.`, { position: batch.start });
}

/** Writes the base offset of the batch at `start`, in place; it is not under the checksum. `baseOffset` is below 2^53. */
export function stampOffset(bytes: Uint8Array, start: number, baseOffset: number): void {
  const high = Math.floor(baseOffset / 0x1_0000_0000);
  for (let i = 0; i < 4; i++) {
    bytes[start + i] = high >>> (24 - 8 * i);
    bytes[start + 4 + i] = baseOffset >>> (24 - 8 * i);
  }
}

/**
 * Brings checked batches into the form in which they are stored, baseOffset and partitionLeaderEpoch 0, in
 * place, and returns the same bytes. The caller owns them. Errors: `invalid_batch` where they are no batches.
 */
export function zeroOffset(bytes: Uint8Array): Uint8Array {
  for (let start = 0; start < bytes.length; ) {
    const available = bytes.length - start;
    const length = available < batchHeaderBytes ? 0 : int32At(bytes, start + 8) + overhead;
    if (length < batchHeaderBytes || length > available) throw new WadiError('invalid_batch', `No batch stands at byte ${start}.`, { position: start });
    bytes.fill(0, start, start + 8);
    bytes.fill(0, start + 12, start + 16);
    start += length;
  }
  return bytes;
}
