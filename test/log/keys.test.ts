// The key schema: what goes in comes out, and keys sort as their numbers do.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  baseOffsetOfRun,
  headKey,
  isTopicId,
  objectKey,
  partitionOfRegistry,
  payloadKey,
  placeOfWork,
  registryKey,
  registryOf,
  runKey,
  tailWorkKey,
  topicIdOf,
  workDueAt,
  workKey,
} from '../../src/log/keys.ts';

const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const id = fc.uint8Array({ minLength: 16, maxLength: 16 });

it('runs sort by their base offset, and tell it', () => {
  fc.assert(
    fc.property(offset, offset, (a, b) => {
      const [ka, kb] = [runKey('t', 0, a).sk, runKey('t', 0, b).sk];
      expect(Math.sign(a - b)).toBe(ka < kb ? -1 : ka > kb ? 1 : 0);
      expect(baseOffsetOfRun(ka)).toBe(a);
    }),
  );
});

it('a topic id is 22 characters, and another one for other bytes', () => {
  fc.assert(
    fc.property(id, id, (a, b) => {
      expect(isTopicId(topicIdOf(a))).toBe(true);
      expect(topicIdOf(a) === topicIdOf(b)).toBe(a.every((byte, i) => byte === b[i]));
    }),
  );
});

it('every key is printable ASCII', () => {
  fc.assert(
    fc.property(id, offset, fc.nat(255), (bytes, n, partition) => {
      const topicId = topicIdOf(bytes);
      for (const { pk, sk } of [headKey(topicId, partition), runKey(topicId, partition, n), registryKey(topicId, partition), workKey(topicId, n % 1e13), payloadKey(n % 2 ** 32, bytes)]) {
        expect(`${pk}${sk}`).toMatch(/^[\x21-\x7e]+$/);
      }
      expect(objectKey(1, bytes)).toMatch(/^l0\/[0-9a-f]{2}\/00000001\/[0-9a-f]{32}$/);
    }),
  );
});

it('work is found when it is due, not before, and names its topic', () => {
  fc.assert(
    fc.property(id, fc.nat(1e12), fc.nat(1e12), fc.option(fc.nat(255), { nil: undefined }), (bytes, due, now, partition) => {
      const topicId = topicIdOf(bytes);
      const { sk } = partition === undefined ? workKey(topicId, due) : tailWorkKey(topicId, partition, due);
      expect(sk <= workDueAt(now)).toBe(due <= now);
      expect(placeOfWork(sk)).toEqual({ topicId, partition });
    }),
  );
});

it('the registry of a topic holds its partitions and no other topic', () => {
  fc.assert(
    fc.property(id, id, fc.nat(255), (a, b, partition) => {
      const range = registryOf(topicIdOf(a));
      const own = registryKey(topicIdOf(a), partition);
      expect(own.pk === range.pk && own.sk >= range.from && own.sk <= range.to).toBe(true);
      expect(partitionOfRegistry(own.sk)).toBe(partition);
      const other = registryKey(topicIdOf(b), partition);
      if (topicIdOf(a) !== topicIdOf(b)) expect(other.sk >= range.from && other.sk <= range.to).toBe(false);
    }),
  );
});
