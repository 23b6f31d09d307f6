// The partitioner's hash against the vectors that Kafka itself publishes (UtilsTest.testMurmur2), so that one key goes
// to one partition whichever client sends it (I6).

import { murmur2 as platformaticMurmur2 } from '@platformatic/kafka';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { murmur2, partitionForKey } from '../../src/record/murmur2.ts';
import { utf8 } from './support.ts';

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('I6: murmur2 of %s is that of Kafka', (key, hash) => expect(murmur2(utf8(key))).toBe(hash));

test('I6: the partition is the positive hash modulo the count', () => {
  expect(partitionForKey(utf8('foobar'), 1)).toBe(0);
  expect(partitionForKey(utf8('foobar'), 1000)).toBe((-790332482 & 0x7fffffff) % 1000);
  expect(partitionForKey(utf8('abc'), 12)).toBe(479470107 % 12);
});

test('I6: bytes of every length hash as another client has it, and find a partition that exists', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 256 }), (key, partitions) => {
      expect(murmur2(key) | 0).toBe(platformaticMurmur2(Buffer.from(key)) | 0);
      const partition = partitionForKey(key, partitions);
      expect(partition >= 0 && partition < partitions && Number.isInteger(partition)).toBe(true);
    }),
  );
});
