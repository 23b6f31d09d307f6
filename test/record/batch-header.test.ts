// The header of a batch: every field against a vector written out by hand, stored batches stepped over, damage named
// with its place (I14), and the two fields outside the checksum set without touching it.

import { expect, test } from 'vitest';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { readBatchHeader, stampOffset, storedBatchAt, storedBatches, verifyBatch, zeroOffset } from '../../src/record/batch-header.ts';
import { decodeBatch } from '../../src/record/batch-records.ts';
import { compressionByCode } from '../../src/record/codecs.ts';
import { batchOf, bent, record, refusal, refusalCode, seal } from './support.ts';

// One record: key 'k', value null, one header a=b. The CRC was computed from the bytes by another implementation.
const vector = [
  '0000000100000002', // baseOffset 2^32 + 2
  '00000040', // batchLength 64
  '00000007', // partitionLeaderEpoch
  '02', // magic
  '00000000', // crc, set below
  '0018', // attributes: LogAppendTime, transactional
  '00000000', // lastOffsetDelta
  '00000197792c6400', // baseTimestamp
  '00000197792c6401', // maxTimestamp
  '001fffffffffffff', // producerId 2^53 - 1
  '0102', // producerEpoch
  '7fffffff', // baseSequence
  '00000001', // recordCount
  '16000200026b010202610262', // length 11, attributes, timestampDelta 1, offsetDelta 0, key, null, 1 header
].join('');
const bytes = seal(Uint8Array.from(Buffer.from(vector, 'hex')));

test('every field of the header is read from its place', () => {
  const { bytes: _, crc, ...header } = readBatchHeader(Uint8Array.from([9, 9, 9, ...bytes, 9]), 3);
  expect(header).toEqual({
    start: 3,
    length: 73,
    baseOffset: 2 ** 32 + 2,
    partitionLeaderEpoch: 7,
    magic: 2,
    attributes: 0x18,
    compression: 'none',
    timestampType: 'LogAppendTime',
    transactional: true,
    control: false,
    lastOffsetDelta: 0,
    baseTimestamp: 0x197792c6400,
    maxTimestamp: 0x197792c6401,
    producerId: 2 ** 53 - 1,
    producerEpoch: 0x102,
    baseSequence: 0x7fffffff,
    recordCount: 1,
  });
  expect(crc).toBe(new DataView(bytes.buffer).getUint32(17));
});

test('the records of the vector are read as they were written by hand', () => {
  const [only, ...rest] = decodeBatch(readBatchHeader(bytes, 0), nodeCodecs);
  expect(rest).toEqual([]);
  expect(only).toMatchObject({ offset: 2 ** 32 + 2, timestamp: 0x197792c6401, key: Uint8Array.of(0x6b), value: null, headers: [[Uint8Array.of(0x61), Uint8Array.of(0x62)]] });
  expect(decodeBatch(readBatchHeader(bytes, 0), nodeCodecs, 41)[0]?.offset).toBe(41);
});

test('fields are signed, and the compression codes are those of Kafka', () => {
  const negative = bent(batchOf(), (view) => {
    view.setInt16(21, -8);
    view.setInt32(12, -2);
    view.setBigInt64(43, -3n);
    view.setInt16(51, -4);
    view.setInt32(53, -5);
    view.setInt32(57, -6);
  });
  expect(readBatchHeader(negative, 0)).toMatchObject({ attributes: -8, partitionLeaderEpoch: -2, producerId: -3, producerEpoch: -4, baseSequence: -5, recordCount: -6, control: true });
  expect(compressionByCode).toEqual(['none', 'gzip', 'snappy', 'lz4', 'zstd']);
});

test.each([
  ['of magic 1', 'unsupported_batch', bent(batchOf(), (view) => view.setInt8(16, 1))],
  ['of magic 0, shorter than a header', 'unsupported_batch', new Uint8Array(20)],
  ['with an unknown compression', 'unsupported_batch', bent(batchOf(), (view) => view.setInt16(21, 5))],
  ['cut within its header', 'invalid_batch', batchOf().subarray(0, 60)],
  ['cut within its records', 'invalid_batch', batchOf().subarray(0, -1)],
  ['of no bytes', 'invalid_batch', new Uint8Array(0)],
  ...([-0x8000_0000, -1, 0, 48, 0x7fff_ffff] as const).map((length) => {
    const lying = batchOf();
    new DataView(lying.buffer).setInt32(8, length);
    return [`that says its length is ${length}`, 'invalid_batch', lying] as const;
  }),
  ...([27, 35, 43] as const).map((at) => [`with a number beyond 2^53 at ${at}`, 'invalid_batch', bent(batchOf(), (view) => view.setBigInt64(at, 2n ** 53n))] as const),
] as const)('a header %s is %s, and nothing else is thrown', (_, code, batch) => {
  expect(refusalCode(() => readBatchHeader(batch, 0))).toBe(code);
  // I14: at rest, the same is damage.
  expect(refusalCode(() => storedBatchAt(batch, 0))).toBe('storage_corrupt');
});

test('stored batches are stepped over one by one to the end', () => {
  const [first, second] = [batchOf(), batchOf([record({ value: null })])];
  const both = Uint8Array.from([...first, ...second]);
  expect([...storedBatches(both)].map(({ start, length, recordCount }) => ({ start, length, recordCount }))).toEqual([
    { start: 0, length: first.length, recordCount: 2 },
    { start: first.length, length: second.length, recordCount: 1 },
  ]);
  expect([...storedBatches(new Uint8Array(0))]).toEqual([]);
});

test('I14: a stored batch that is damaged behind a whole one is refused with its place', () => {
  const first = batchOf();
  const torn = Uint8Array.from([...first, ...batchOf().subarray(0, 70)]);
  expect(refusal(() => [...storedBatches(torn)])).toMatchObject({ code: 'storage_corrupt', facts: { position: first.length } });
});

test.each([
  ['more records than offsets', (view: DataView) => view.setInt32(57, 3)],
  ['a negative count', (view: DataView) => view.setInt32(57, -1)],
  ['a negative last offset delta', (view: DataView) => view.setInt32(23, -1)],
  ['a negative base offset', (view: DataView) => view.setBigInt64(0, -1n)],
  ['a base offset beyond 2^53', (view: DataView) => view.setBigInt64(0, 2n ** 53n)],
  [
    'more records than were ever taken',
    (view: DataView) => {
      view.setInt32(23, 100_000);
      view.setInt32(57, 100_001);
    },
  ],
])('I14: a stored batch with %s is storage_corrupt', (_, change) => expect(refusalCode(() => storedBatchAt(bent(batchOf(), change), 0))).toBe('storage_corrupt'));

test('a compacted batch has fewer records than offsets, and is whole', () => {
  const gap = bent(batchOf(), (view) => view.setInt32(23, 9));
  expect(decodeBatch(storedBatchAt(gap, 0), nodeCodecs).map(({ offset }) => offset)).toEqual([0, 1]);
});

test('I14: whichever bit under the checksum is flipped, it is noticed', () => {
  const batch = batchOf();
  verifyBatch(storedBatchAt(batch, 0), nodeCodecs);
  for (let at = 17; at < batch.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Uint8Array.from(batch);
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      expect(
        refusalCode(() => verifyBatch(storedBatchAt(flipped, 0), nodeCodecs)),
        `byte ${at}`,
      ).toBe('storage_corrupt');
    }
  }
});

test('I2: a base offset is written, and taken away, without a change under the checksum', () => {
  for (const offset of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 12345, 2 ** 53 - 1]) {
    const two = Uint8Array.from([...batchOf(), ...batchOf()]);
    const { length } = batchOf();
    stampOffset(two, length, offset);
    const [first, second] = [...storedBatches(two)];
    expect([first?.baseOffset, second?.baseOffset]).toEqual([0, offset]);
    if (second !== undefined) verifyBatch(second, nodeCodecs);
    expect(new DataView(two.buffer).getBigInt64(length)).toBe(BigInt(offset));
    expect(zeroOffset(two)).toEqual(Uint8Array.from([...batchOf(), ...batchOf()]));
  }
});

test('zeroOffset takes away offset and leader epoch of every batch, in place, and refuses what are no batches', () => {
  const stamped = bent(batchOf(), (view) => {
    view.setBigInt64(0, -1n);
    view.setInt32(12, -1);
  });
  const body = Uint8Array.from([...stamped, ...stamped]);
  expect(zeroOffset(body)).toBe(body);
  expect(body).toEqual(Uint8Array.from([...batchOf(), ...batchOf()]));
  expect(refusalCode(() => zeroOffset(batchOf().subarray(0, 40)))).toBe('invalid_batch');
  expect(refusalCode(() => zeroOffset(batchOf().subarray(0, -1)))).toBe('invalid_batch');
});
