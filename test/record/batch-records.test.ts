// The decoder of stored batches: damage under a true checksum is named (I14) as well, for one may be stored wrong.

import { expect, test } from 'vitest';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { storedBatchAt } from '../../src/record/batch-header.ts';
import { decodeBatch } from '../../src/record/batch-records.ts';
import { batchAround, batchOf, bent, plainRecords, record, refusal, utf8 } from './support.ts';

const decode = (bytes: Uint8Array) => decodeBatch(storedBatchAt(bytes, 0), nodeCodecs);

test.each([
  ['a count below its records', batchAround(plainRecords(3), { count: 2 })],
  ['a count above its records', batchAround(plainRecords(3), { count: 4 })],
  ['offset deltas beyond the last', bent(batchAround(plainRecords(3), { count: 3 }), (view) => view.setInt32(57, 2))],
  ['offset deltas that do not grow', batchAround(Uint8Array.from([...plainRecords(1), ...plainRecords(1)]), { count: 2 })],
  ['compressed bytes that are none', batchAround(utf8('none'), { compression: 'zstd' })],
])('I14: a stored batch with %s is storage_corrupt with its place', (_, bytes) => {
  expect(refusal(() => decode(bytes))).toMatchObject({ code: 'storage_corrupt', facts: { position: 0 } });
});

test('null, empty and absent are told apart', () => {
  const records = [
    record({ key: null, value: null }),
    record({ key: utf8(''), value: utf8('') }),
    record({
      headers: [
        [utf8(''), null],
        [utf8('n'), utf8('')],
      ],
    }),
  ];
  const [first, second, third] = decode(batchOf(records));
  expect([first?.key, first?.value, first?.headers]).toEqual([null, null, []]);
  expect([second?.key, second?.value]).toEqual([utf8(''), utf8('')]);
  expect(third?.headers).toEqual([
    [utf8(''), null],
    [utf8('n'), utf8('')],
  ]);
});

test('keys and values are views: an uncompressed batch is not copied', () => {
  const bytes = batchOf();
  expect(decode(bytes).every(({ value }) => value?.buffer === bytes.buffer)).toBe(true);
});
