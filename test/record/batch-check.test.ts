// What a producer's ready made batches are refused for, each by its name and with nothing else thrown, and that what
// passes is read again as it was made.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { checkBatches } from '../../src/record/batch-check.ts';
import { storedBatches, verifyBatch } from '../../src/record/batch-header.ts';
import { decodeBatch, type Header, type RecordData } from '../../src/record/batch-records.ts';
import type { ErrorCode } from '../../src/record/errors.ts';
import { limits } from '../../src/record/limits.ts';
import { batchAround, batchOf, bent, comparable, now, plainRecords, record, refusal, refusalCode, utf8, varints } from './support.ts';

const maxMessageBytes = limits.defaultMaxMessageBytes;
const check = (bytes: Uint8Array) => checkBatches(bytes, nodeCodecs, { maxMessageBytes, now });
const gzip = (bytes: Uint8Array) => nodeCodecs.compress('gzip', bytes);

/** One record from its bytes behind the length. */
const recordOf = (...body: number[]) => Uint8Array.from([...varints(body.length), ...body]);
const nullKeyAndValue = varints(-1, -1);

const refusals: [what: string, code: ErrorCode, bytes: Uint8Array][] = [
  ['an empty body', 'invalid_batch', new Uint8Array(0)],
  ['a body of less than a header', 'invalid_batch', batchOf().subarray(0, 40)],
  ['a batch cut short', 'invalid_batch', batchOf().subarray(0, -1)],
  ['bytes behind the last batch', 'invalid_batch', Uint8Array.from([...batchOf(), 0])],
  ['magic 1', 'unsupported_batch', bent(batchOf(), (view) => view.setInt8(16, 1))],
  ['compression 5', 'unsupported_batch', bent(batchOf(), (view) => view.setInt16(21, 5))],
  ['a control batch', 'unsupported_batch', bent(batchOf(), (view) => view.setInt16(21, 0x20))],
  ['a transactional batch', 'unsupported_batch', bent(batchOf(), (view) => view.setInt16(21, 0x10))],
  ['LogAppendTime', 'unsupported_batch', bent(batchOf(), (view) => view.setInt16(21, 0x08))],
  ['a delete horizon', 'unsupported_batch', bent(batchOf(), (view) => view.setInt16(21, 0x40))],
  ['an attribute of the future', 'unsupported_batch', bent(batchOf(), (view) => view.setInt16(21, -0x8000))],
  ['a wrong checksum', 'corrupt_batch', batchOf().map((byte, at) => (at === 65 ? byte ^ 1 : byte))],
  ['no records', 'invalid_batch', batchAround(new Uint8Array(0), { count: 0 })],
  ['a negative count', 'invalid_batch', bent(batchOf(), (view) => view.setInt32(57, -1))],
  ['a count that is not the last offset delta + 1', 'invalid_batch', bent(batchOf(), (view) => view.setInt32(57, 1))],
  ['fewer records than it says', 'invalid_batch', batchAround(plainRecords(3), { count: 4 })],
  ['more records than it says', 'invalid_batch', batchAround(plainRecords(3), { count: 2 })],
  ['a count that its bytes cannot hold', 'invalid_batch', batchAround(plainRecords(3), { count: 90_000 })],
  ['the greatest count', 'invalid_batch', batchAround(plainRecords(3), { count: 0x7fffffff })],
  ['more records than a batch may have', 'invalid_batch', batchAround(gzip(plainRecords(limits.maxRecordsPerBatch + 1)), { count: limits.maxRecordsPerBatch + 1, compression: 'gzip' })],
  ['a producer id below -1', 'invalid_batch', bent(batchOf(), (view) => view.setBigInt64(43, -2n))],
  ['a producer id beyond 2^53', 'invalid_batch', bent(batchOf(), (view) => view.setBigInt64(43, 2n ** 53n))],
  ['a producer without an epoch', 'invalid_batch', bent(batchOf(), (view) => view.setBigInt64(43, 1n))],
  [
    'a producer without a sequence',
    'invalid_batch',
    bent(batchOf(), (view) => {
      view.setBigInt64(43, 1n);
      view.setInt16(51, 0);
    }),
  ],
  ['a greatest timestamp that is none of its records', 'invalid_batch', bent(batchOf(), (view) => view.setBigInt64(35, BigInt(now + 1)))],
  ['a timestamp before 1970', 'invalid_timestamp', batchAround(plainRecords(1), { timestamp: -1 })],
  ['a timestamp more than a day from now', 'invalid_timestamp', batchOf([record({ timestamp: now + limits.maxFutureTimestampMs + 1 })])],
  ['a timestamp beyond 2^53', 'invalid_batch', bent(batchOf(), (view) => view.setBigInt64(27, 2n ** 62n))],
  [
    'an offset delta out of order',
    'invalid_batch',
    batchAround(Uint8Array.from([...recordOf(0, 0, ...varints(1), ...nullKeyAndValue, 0), ...recordOf(0, 0, ...varints(0), ...nullKeyAndValue, 0)]), { count: 2 }),
  ],
  ['a record of negative length', 'invalid_batch', batchAround(Uint8Array.from([...varints(-1), 0, 0, 0, 0, 0, 0]))],
  ['a record that ends beyond the batch', 'invalid_batch', batchAround(Uint8Array.from([...varints(100), 0, 0, 0, 1, 1, 0]))],
  ['a record longer than its parts', 'invalid_batch', batchAround(recordOf(0, 0, 0, ...nullKeyAndValue, 0, 0))],
  ['a key of length -2', 'invalid_batch', batchAround(recordOf(0, 0, 0, ...varints(-2, -1), 0))],
  ['a key that ends beyond its record', 'invalid_batch', batchAround(Uint8Array.from([...recordOf(0, 0, 0, ...varints(4, -1), 0), ...plainRecords(1)]), { count: 2 })],
  ['a value of 2^31 - 1 bytes', 'invalid_batch', batchAround(recordOf(0, 0, 0, ...varints(-1, 0x7fffffff), 0))],
  ['a varint of six bytes', 'invalid_batch', batchAround(recordOf(0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, ...nullKeyAndValue, 0))],
  ['a time of 64 bits', 'invalid_batch', batchAround(recordOf(0, ...Array(9).fill(0xff), 0x01, 0, ...nullKeyAndValue, 0))],
  ['a negative header count', 'invalid_batch', batchAround(recordOf(0, 0, 0, ...nullKeyAndValue, ...varints(-1)))],
  ['101 headers', 'invalid_batch', batchAround(recordOf(0, 0, 0, ...nullKeyAndValue, ...varints(101), ...Array(101).fill([0, 1]).flat()))],
  ['a header without a name', 'invalid_batch', batchAround(recordOf(0, 0, 0, ...nullKeyAndValue, ...varints(1, -1, -1)))],
  ['a header name of more than 32 KiB', 'invalid_batch', batchAround(recordOf(0, 0, 0, ...nullKeyAndValue, ...varints(1, 32 * 1024 + 1), ...Array(32 * 1024 + 1).fill(0x61), 1))],
  ['compressed bytes that are none', 'invalid_compression', batchAround(utf8('no gzip'), { compression: 'gzip' })],
  ['a batch of more than max.message.bytes', 'record_too_large', batchOf([record({ value: new Uint8Array(maxMessageBytes) })])],
  ['a bomb', 'decompressed_too_large', batchAround(gzip(new Uint8Array(limits.maxDecompressedBatchBytes + 1)), { compression: 'gzip' })],
];

test.each(refusals)('%s is refused as %s, and nothing else is thrown', (_, code, bytes) => {
  const before = Uint8Array.from(bytes);
  expect(refusalCode(() => check(bytes))).toBe(code);
  expect(bytes).toEqual(before);
});

test('the second batch is named where the second is refused', () => {
  const [good, bad] = [batchOf(), batchAround(recordOf(0, 0, 0, ...varints(-2, -1), 0))];
  const error = refusal(() => check(Uint8Array.from([...good, ...bad])));
  expect(error.facts['batch']).toBe(1);
  expect(error.message).toMatch(/^batches\[1\]: /);
});

test('whichever bit under the checksum is flipped on the way, it is corrupt_batch and not a fault of the producer', () => {
  const batch = batchOf([record({ headers: [[utf8('name'), utf8('content')]] }), record({ value: null })], { compression: 'none', producer: { id: 2 ** 40, epoch: 3, sequence: 9 } });
  check(batch);
  for (let at = 17; at < batch.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      expect(
        refusalCode(() => check(batch.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte)))),
        `byte ${at}`,
      ).toBe('corrupt_batch');
    }
  }
});

test('I13: more batches than a request may have are refused', () => {
  const one = batchAround(plainRecords(1));
  const many = new Uint8Array(one.length * (limits.maxBatchesPerRequest + 1));
  for (let at = 0; at < many.length; at += one.length) many.set(one, at);
  expect(check(many.subarray(0, one.length * limits.maxBatchesPerRequest))).toHaveLength(limits.maxBatchesPerRequest);
  expect(refusalCode(() => check(many))).toBe('invalid_batch');
});

test('I13: batches that become too much together are refused where the bound is reached, also exactly', () => {
  // One record whose value fills all that a batch may become, to the byte.
  const size = limits.maxDecompressedBatchBytes;
  const valueLength = size - 13;
  const records = new Uint8Array(size);
  records.set([...varints(size - 4), 0, 0, 0, ...varints(-1, valueLength)]);
  const batch = batchAround(gzip(records), { compression: 'gzip' });
  const several = (count: number) => Uint8Array.from(Array.from({ length: count }, () => [...batch]).flat());
  expect(check(several(8))).toHaveLength(8);
  expect(refusal(() => check(several(9)))).toMatchObject({ code: 'decompressed_too_large', facts: { batch: 8 } });
});

test('I13: headers are counted over the batch, as each takes more memory than bytes', () => {
  const headers = Array.from({ length: 100 }, () => [utf8(''), null] as const);
  const full = Array.from({ length: limits.maxHeadersPerBatch / 100 }, () => record({ key: null, value: null, headers }));
  const batch = batchOf(full, { compression: 'zstd' });
  expect(check(batch)[0]?.count).toBe(full.length);
  const beyond = Array.from({ length: full.length + 1 }, (_, i) => [...recordOf(0, 0, ...varints(i), ...nullKeyAndValue, ...varints(100), ...Array(100).fill([0, 1]).flat())]);
  const records = Uint8Array.from(beyond.flat());
  const error = refusal(() => check(batchAround(gzip(records), { count: beyond.length, compression: 'gzip' })));
  expect(error).toMatchObject({ code: 'invalid_batch', message: expect.stringContaining('headers together') });
});

test('what stands outside the checksum does not matter, and no byte is changed', () => {
  const odd = bent(batchOf(), (view) => {
    view.setBigInt64(0, -(2n ** 63n));
    view.setInt32(12, -1);
  });
  const [checked] = check(odd);
  expect(checked).toMatchObject({ count: 2, maxTimestamp: now, producerId: -1, producerEpoch: -1, baseSequence: -1 });
  expect(checked?.bytes.buffer).toBe(odd.buffer);
});

test('without a producer its epoch and sequence mean nothing, as kafkajs writes 0; with one they are answered', () => {
  const [none] = check(bent(batchOf(), (view) => view.setInt16(51, 0)));
  expect(none).toMatchObject({ producerId: -1, producerEpoch: -1, baseSequence: -1 });
  const [some] = check(batchOf([record()], { compression: 'none', producer: { id: 7, epoch: 2, sequence: 41 } }));
  expect(some).toMatchObject({ producerId: 7, producerEpoch: 2, baseSequence: 41 });
});

const bytes = fc.uint8Array({ maxLength: 60 });
const optional = fc.option(bytes);
const anyHeader: fc.Arbitrary<Header> = fc.tuple(fc.uint8Array({ maxLength: 10 }), optional);
const anyRecord: fc.Arbitrary<RecordData> = fc.record({
  timestamp: fc.integer({ min: 0, max: now }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(anyHeader, { maxLength: 3 }),
});

test('I2: what is encoded passes the check and is decoded as it was, in every compression that we write', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), fc.constantFrom('none', 'gzip', 'zstd'), (records, compression) => {
      const encoded = batchOf(records, { compression });
      expect(check(encoded)).toMatchObject([{ count: records.length, maxTimestamp: Math.max(...records.map(({ timestamp }) => timestamp)) }]);
      const [stored, ...rest] = [...storedBatches(encoded)];
      expect(rest).toEqual([]);
      if (stored === undefined) throw new Error('no batch');
      verifyBatch(stored, nodeCodecs);
      const decoded = decodeBatch(stored, nodeCodecs, 1000);
      expect(decoded.map(({ offset }) => offset)).toEqual(records.map((_, i) => 1000 + i));
      expect(comparable(decoded)).toEqual(comparable(records));
    }),
  );
});
