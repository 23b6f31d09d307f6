// Lengths inside a record that would lead a reader backwards, or out of the record, and back to its end.

import { expect, test } from 'vitest';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { checkBatches } from '../../src/record/batch-check.ts';
import { encodeBatch } from '../../src/record/batch-encode.ts';
import { batchHeaderBytes, storedBatches } from '../../src/record/batch-header.ts';
import { decodeBatch } from '../../src/record/batch-records.ts';

const now = 1_750_000_000_000;

/** A batch that says it has one record, of these bytes; `delta` is the record's timestamp delta. */
function batchOf(record: readonly number[], delta = 0): Buffer {
  const like = encodeBatch([{ timestamp: now, key: null, value: null, headers: [] }], { compression: 'none' }, nodeCodecs);
  const batch = Buffer.concat([like.subarray(0, batchHeaderBytes), Uint8Array.from(record)]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeBigInt64BE(BigInt(now + delta), 35);
  batch.writeUInt32BE(nodeCodecs.crc32c(batch.subarray(21)), 17);
  return batch;
}

const check = (batch: Buffer) => () => checkBatches(batch, nodeCodecs, { maxMessageBytes: 2 ** 20, now });
const decode = (batch: Buffer) => () => [...storedBatches(batch)].map((stored) => decodeBatch(stored, nodeCodecs));

test('a record that is whole is taken', () => {
  expect(check(batchOf([12, 0, 10, 0, 1, 1, 0], 5))()).toMatchObject([{ count: 1, maxTimestamp: now + 5 }]);
  expect(check(batchOf([16, 0, 10, 0, 1, 1, 2, 0, 1], 5))()).toMatchObject([{ count: 1 }]);
});

test.each([
  // The key's length of -3 would lead back to the timestamp delta, which read as the value's length leads to the end.
  ['a key length of -3 that leads back', [16, 0, 10, 0, 5, 120, 120, 120, 0]],
  ['a value length of -4 that leads back', [16, 0, 10, 0, 1, 7, 120, 120, 0]],
  ['a key that ends behind its record', [12, 0, 10, 0, 8, 1, 0, 120, 120]],
  ['a value that ends behind its record', [12, 0, 10, 0, 1, 8, 0, 120, 120]],
  ['a header without a name', [16, 0, 10, 0, 1, 1, 2, 1, 1]],
])('%s is refused by name', (_, record) => {
  const batch = batchOf(record, 5);
  expect(check(batch)).toThrow(expect.objectContaining({ code: 'invalid_batch' }));
  expect(decode(batch)).toThrow(expect.objectContaining({ code: 'storage_corrupt' }));
});
