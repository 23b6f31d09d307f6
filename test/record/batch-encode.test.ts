// Records into batches: cut at max.message.bytes and no earlier, refused with the index of the record, never larger
// for being compressed, and in the form in which batches are stored.

import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { checkBatches } from '../../src/record/batch-check.ts';
import { type EncodeOptions, encodeBatch, encodeBatches, recordSize, sequenceAfter } from '../../src/record/batch-encode.ts';
import { storedBatches } from '../../src/record/batch-header.ts';
import { decodeBatch } from '../../src/record/batch-records.ts';
import { limits } from '../../src/record/limits.ts';
import { encodeBatch as plainEncodeBatch } from '../support/record-batch.ts';
import { comparable, now, record, refusal, refusalCode, utf8 } from './support.ts';

const encode = (records: Parameters<typeof encodeBatches>[0], maxMessageBytes: number = limits.defaultMaxMessageBytes, options: EncodeOptions = { compression: 'none' }) =>
  encodeBatches(records, { ...options, maxMessageBytes }, nodeCodecs);
const read = (bytes: Uint8Array) => [...storedBatches(bytes)].flatMap((batch) => decodeBatch(batch, nodeCodecs));

test('a batch is, byte for byte, what another encoder makes of the same records', () => {
  const records = [record(), record({ key: null, value: null, timestamp: now + 70_000 }), record({ value: utf8(''), timestamp: now - 2 ** 40 })];
  expect(Buffer.from(encode(records).bytes)).toEqual(plainEncodeBatch(records, now));
});

test('records are cut into batches that are as long as they may be', () => {
  const records = Array.from({ length: 50 }, (_, i) => record({ value: new Uint8Array(i * 7) }));
  for (const maxMessageBytes of [500, 1000, 5000]) {
    const { bytes, batches, count } = encode(records, maxMessageBytes);
    const stored = [...storedBatches(bytes)];
    expect([stored.length, count]).toEqual([batches, 50]);
    expect(comparable(read(bytes))).toEqual(comparable(records));
    expect(checkBatches(bytes, nodeCodecs, { maxMessageBytes, now })).toHaveLength(batches);
    let taken = 0;
    for (const { recordCount } of stored.slice(0, -1)) {
      // The next record would not have gone in.
      expect(encode(records.slice(taken, taken + recordCount + 1), 1_000_000).bytes.length).toBeGreaterThan(maxMessageBytes);
      taken += recordCount;
    }
  }
});

test('a record that fits to the byte is taken, and one that does not is refused with its index and both sizes', () => {
  const records = [record(), record({ value: new Uint8Array(300) })];
  const bytes = recordSize(records[1] ?? record());
  expect(encode(records, bytes).batches).toBe(2);
  expect(refusal(() => encode(records, bytes - 1))).toMatchObject({ code: 'record_too_large', facts: { record: 1, bytes, maxMessageBytes: bytes - 1 } });
});

test.each([
  ['no records', 'invalid_record', []],
  ['a negative timestamp', 'invalid_timestamp', [record({ timestamp: -1 })]],
  ['a broken timestamp', 'invalid_timestamp', [record({ timestamp: 0.5 })]],
  ['a timestamp of 2^52', 'invalid_timestamp', [record({ timestamp: 2 ** 52 })]],
  ['101 headers', 'invalid_record', [record({ headers: Array.from({ length: 101 }, () => [utf8('a'), null] as const) })]],
  ['a header name of more than 32 KiB', 'invalid_record', [record({ headers: [[new Uint8Array(32 * 1024 + 1), null]] })]],
] as const)('%s: refused as %s', (_, code, records) => expect(refusalCode(() => encode(records))).toBe(code));

test('I13: a batch has no more records and headers than its check takes', () => {
  const tiny = record({ key: null, value: null });
  expect([...storedBatches(encode(Array.from({ length: limits.maxRecordsPerBatch + 1 }, () => tiny)).bytes)].map(({ recordCount }) => recordCount)).toEqual([limits.maxRecordsPerBatch, 1]);
  const headers = Array.from({ length: 100 }, () => [utf8(''), null] as const);
  const heavy = Array.from({ length: limits.maxHeadersPerBatch / 100 + 1 }, () => record({ headers }));
  const { bytes, batches } = encode(heavy);
  expect(batches).toBe(2);
  expect(checkBatches(bytes, nodeCodecs, { maxMessageBytes: limits.defaultMaxMessageBytes, now })).toHaveLength(2);
  expect(refusalCode(() => encodeBatch(heavy, { compression: 'none' }, nodeCodecs))).toBe('record_too_large');
  expect(
    refusalCode(() =>
      encodeBatch(
        Array.from({ length: limits.maxRecordsPerBatch + 1 }, () => tiny),
        { compression: 'none' },
        nodeCodecs,
      ),
    ),
  ).toBe('too_many_records');
});

test('what compression would not make smaller goes as it is, and what it does becomes smaller', () => {
  const noise = encode([record({ value: randomBytes(1000) })], undefined, { compression: 'gzip' });
  expect([...storedBatches(noise.bytes)].map(({ compression }) => compression)).toEqual(['none']);
  for (const compression of ['gzip', 'zstd'] as const) {
    const zeros = encode([record({ value: new Uint8Array(1000) })], undefined, { compression });
    expect([...storedBatches(zeros.bytes)].map((batch) => batch.compression)).toEqual([compression]);
    expect(zeros.bytes.length).toBeLessThan(200);
  }
});

test('batches behind one that compression made much shorter are stored with offset and leader epoch 0', () => {
  const values = [new Uint8Array(900).fill(0xff), randomBytes(200), randomBytes(200), new Uint8Array(900).fill(0xee), randomBytes(700), new Uint8Array(10)];
  const records = values.map((value) => record({ value }));
  for (const compression of ['gzip', 'zstd'] as const) {
    const { bytes } = encode(records, 1000, { compression });
    for (const batch of storedBatches(bytes)) expect([batch.baseOffset, batch.partitionLeaderEpoch]).toEqual([0, 0]);
    expect(comparable(read(bytes))).toEqual(comparable(records));
  }
});

test('I2: however records are cut and compressed, they are read as they were', () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 400 })).map(([byte, length]) => new Uint8Array(length).fill(byte)),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.integer({ min: 550, max: 1500 }), fc.constantFrom('none', 'gzip', 'zstd'), (values, maxMessageBytes, compression) => {
      const records = values.map((one) => record({ value: one }));
      const { bytes, count, maxTimestamp, batches } = encode(records, maxMessageBytes, { compression });
      expect([count, maxTimestamp]).toEqual([records.length, now]);
      expect(checkBatches(bytes, nodeCodecs, { maxMessageBytes, now })).toHaveLength(batches);
      for (const batch of storedBatches(bytes)) expect([batch.baseOffset, batch.partitionLeaderEpoch]).toEqual([0, 0]);
      expect(comparable(read(bytes))).toEqual(comparable(records));
    }),
  );
});

test('the sequence of a producer runs on from batch to batch, and from 2^31 - 1 to 0', () => {
  const records = Array.from({ length: 9 }, () => record({ value: new Uint8Array(100) }));
  const { bytes } = encode(records, 400, { compression: 'none', producer: { id: 5, epoch: 1, sequence: 0x7fffffff - 3 } });
  const stored = [...storedBatches(bytes)];
  let sequence = 0x7fffffff - 3;
  for (const batch of stored) {
    expect(batch).toMatchObject({ producerId: 5, producerEpoch: 1, baseSequence: sequence });
    sequence = sequenceAfter(sequence, batch.recordCount);
  }
  expect([stored.length > 2, sequence]).toEqual([true, 5]);
});

test.each([{ id: -1 }, { id: 2 ** 53 }, { epoch: -1 }, { epoch: 2 ** 15 }, { sequence: -1 }, { sequence: 2 ** 31 }, { id: 0.5 }])('a producer of %j is refused', (part) =>
  expect(refusalCode(() => encode([record()], undefined, { compression: 'none', producer: { id: 0, epoch: 0, sequence: 0, ...part } }))).toBe('invalid_request'),
);
