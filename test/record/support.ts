// Record batches for the tests of the format: made, bent at one place, and made to look whole again.

import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { type EncodeOptions, encodeBatch } from '../../src/record/batch-encode.ts';
import type { RecordData } from '../../src/record/batch-records.ts';
import { type Compression, compressionByCode } from '../../src/record/codecs.ts';
import { type ErrorCode, WadiError } from '../../src/record/errors.ts';
import { writeVarint } from '../../src/record/varint.ts';
import { crc32c } from '../support/record-batch.ts';

export const now = 1_750_000_000_000;

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export function record(parts: Partial<RecordData> = {}): RecordData {
  return { timestamp: now, key: utf8('key'), value: utf8('value'), headers: [], ...parts };
}

export function batchOf(records: readonly RecordData[] = [record(), record({ key: null })], options: EncodeOptions = { compression: 'none' }): Uint8Array {
  return encodeBatch(records, options, nodeCodecs);
}

/** Makes length and checksum of a single batch true, in place. */
export function seal(batch: Uint8Array): Uint8Array {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  view.setInt32(8, batch.length - 12);
  view.setUint32(17, crc32c(batch.subarray(21)));
  return batch;
}

/** A copy of a batch with something changed under a true checksum. */
export function bent(batch: Uint8Array, change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(batch);
  change(new DataView(copy.buffer), copy);
  return seal(copy);
}

/** A batch around any bytes as its (compressed) records. */
export function batchAround(payload: Uint8Array, { count = 1, compression = 'none', timestamp = now }: { count?: number; compression?: Compression; timestamp?: number } = {}): Uint8Array {
  const batch = new Uint8Array(61 + payload.length);
  batch.set(payload, 61);
  const view = new DataView(batch.buffer);
  view.setInt8(16, 2);
  view.setInt16(21, compressionByCode.indexOf(compression));
  view.setInt32(23, count - 1);
  view.setBigInt64(27, BigInt(timestamp));
  view.setBigInt64(35, BigInt(timestamp));
  view.setBigInt64(43, -1n);
  view.setInt16(51, -1);
  view.setInt32(53, -1);
  view.setInt32(57, count);
  return seal(batch);
}

/** The bytes of records without key and value, as they stand in a batch of this many. */
export function plainRecords(count: number): Uint8Array {
  const out = new Uint8Array(count * 12);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const delta = writeVarint(new Uint8Array(5), 0, i);
    at = writeVarint(out, at, 5 + delta);
    out[at++] = 0;
    at = writeVarint(out, at, 0);
    at = writeVarint(out, at, i);
    at = writeVarint(out, at, -1);
    at = writeVarint(out, at, -1);
    at = writeVarint(out, at, 0);
  }
  return out.slice(0, at);
}

/** Zigzag varints one after another. */
export function varints(...values: number[]): number[] {
  return values.flatMap((value) => {
    const bytes = new Uint8Array(5);
    return [...bytes.subarray(0, writeVarint(bytes, 0, value))];
  });
}

/** The named error that this ends in; whatever else it does, fails the test. */
export function refusal(run: () => unknown): WadiError {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (error instanceof WadiError) return error;
    throw new Error(`not a WadiError: ${String(error)}`, { cause: error });
  }
  throw new Error(`not refused, but ${JSON.stringify(result)?.slice(0, 200)}`);
}

export const refusalCode = (run: () => unknown): ErrorCode => refusal(run).code;

/** Keys, values and headers as text of one character a byte: equal where the bytes are, whatever they are views into. */
export function comparable(records: readonly RecordData[]): unknown[] {
  const bytes = (part: Uint8Array | null) => (part === null ? null : Buffer.from(part).toString('latin1'));
  return records.map(({ timestamp, key, value, headers }) => ({ timestamp, key: bytes(key), value: bytes(value), headers: headers.map(([name, content]) => [bytes(name), bytes(content)]) }));
}
