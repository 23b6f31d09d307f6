// Kafka's record batch v2, written from its specification for tests and benchmarks, and deliberately not the
// codec of src/record: an error there must not hide here. Uncompressed, CRC by a plain table.
//
//   baseOffset i64 · batchLength i32 · partitionLeaderEpoch i32 · magic i8 = 2 · crc u32 (CRC-32C of the rest) ·
//   attributes i16 · lastOffsetDelta i32 · baseTimestamp i64 · maxTimestamp i64 · producerId i64 ·
//   producerEpoch i16 · baseSequence i32 · count i32 · records
//   record: length · attributes i8 · timestampDelta · offsetDelta · keyLength · key · valueLength · value ·
//   header count · headers     (lengths, deltas and counts are zigzag varints; length -1 is null)

export type PlainRecord = { readonly key?: Uint8Array | null; readonly value: Uint8Array | null; readonly timestamp?: number };
export type ReadRecord = { readonly offset: number; readonly timestamp: number; readonly key: Buffer | null; readonly value: Buffer | null };

const headerBytes = 61;

/** One batch with these records; `timestamp` is that of records without one. */
export function encodeBatch(records: readonly PlainRecord[], timestamp: number, producer?: { readonly id: number; readonly epoch: number; readonly sequence: number }): Buffer {
  const times = records.map((record) => record.timestamp ?? timestamp);
  const base = times[0] ?? timestamp;
  const payload = records.reduce((sum, { key, value }) => sum + 40 + (key?.length ?? 0) + (value?.length ?? 0), 0);
  const out = Buffer.alloc(headerBytes + payload);
  let at = headerBytes;
  for (const [i, { key, value }] of records.entries()) {
    const body = Buffer.alloc(40 + (key?.length ?? 0) + (value?.length ?? 0));
    let end = writeVarint(body, 1, (times[i] ?? base) - base);
    end = writeVarint(body, end, i);
    end = writeBytes(body, end, key ?? null);
    end = writeBytes(body, end, value);
    end = writeVarint(body, end, 0);
    at = writeVarint(out, at, end);
    at += body.copy(out, at, 0, end);
  }
  out.writeInt32BE(at - 12, 8);
  out.writeInt8(2, 16);
  out.writeInt32BE(records.length - 1, 23);
  out.writeBigInt64BE(BigInt(base), 27);
  out.writeBigInt64BE(BigInt(Math.max(...times)), 35);
  out.writeBigInt64BE(BigInt(producer?.id ?? -1), 43);
  out.writeInt16BE(producer?.epoch ?? -1, 51);
  out.writeInt32BE(producer?.sequence ?? -1, 53);
  out.writeInt32BE(records.length, 57);
  out.writeUInt32BE(crc32c(out.subarray(21, at)), 17);
  return out.subarray(0, at);
}

/** All records of the batches in `bytes`, at the offsets that the batches carry. Throws on anything that is not a whole, right batch. */
export function decodeBatches(bytes: Buffer): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < headerBytes) throw new Error(`torn batch: ${bytes.length - at} bytes at ${at}`);
    const end = at + 12 + bytes.readInt32BE(at + 8);
    if (end > bytes.length || end < at + headerBytes) throw new Error(`batch at ${at} claims to end at ${end} of ${bytes.length}`);
    const batch = bytes.subarray(at, end);
    if (batch.readInt8(16) !== 2) throw new Error(`batch of magic ${batch.readInt8(16)}`);
    if ((batch.readInt16BE(21) & 7) !== 0) throw new Error('compressed batch: this decoder reads none');
    if (batch.readUInt32BE(17) !== crc32c(batch.subarray(21))) throw new Error(`batch at ${at}: CRC does not match`);
    decodeRecords(batch, records);
    at = end;
  }
  return records;
}

function decodeRecords(batch: Buffer, records: ReadRecord[]): void {
  const baseOffset = Number(batch.readBigInt64BE(0));
  const baseTimestamp = Number(batch.readBigInt64BE(27));
  const count = batch.readInt32BE(57);
  const cursor = { at: headerBytes };
  for (let i = 0; i < count; i++) {
    const end = readVarint(batch, cursor) + cursor.at;
    cursor.at += 1;
    const timestamp = baseTimestamp + readVarint(batch, cursor);
    const offset = baseOffset + readVarint(batch, cursor);
    const key = readBytes(batch, cursor);
    const value = readBytes(batch, cursor);
    if (offset !== baseOffset + i || cursor.at >= end) throw new Error(`record ${i} of the batch at offset ${baseOffset} is malformed`);
    records.push({ offset, timestamp, key, value });
    cursor.at = end;
  }
  if (cursor.at !== batch.length) throw new Error(`batch at offset ${baseOffset}: ${batch.length - cursor.at} bytes behind its records`);
}

function writeVarint(out: Buffer, at: number, value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let end = at;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[end++] = (rest % 128) | 128;
  out[end++] = rest;
  return end;
}

function readVarint(bytes: Buffer, cursor: { at: number }): number {
  let result = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[cursor.at++];
    if (byte === undefined || scale > 2 ** 56) throw new Error(`malformed varint at ${cursor.at}`);
    result += (byte & 127) * scale;
    if (byte < 128) return result % 2 === 0 ? result / 2 : -(result + 1) / 2;
  }
}

function writeBytes(out: Buffer, at: number, bytes: Uint8Array | null): number {
  const start = writeVarint(out, at, bytes === null ? -1 : bytes.length);
  if (bytes !== null) out.set(bytes, start);
  return start + (bytes?.length ?? 0);
}

function readBytes(bytes: Buffer, cursor: { at: number }): Buffer | null {
  const length = readVarint(bytes, cursor);
  if (length < 0) return null;
  cursor.at += length;
  return bytes.subarray(cursor.at - length, cursor.at);
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), as in RFC 3720: crc32c of '123456789' is 0xe3069283. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[i] as number)) & 255] as number);
  return (crc ^ 0xffffffff) >>> 0;
}
