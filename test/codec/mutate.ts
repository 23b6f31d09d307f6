// Damage to bytes, from a seed: flips, extremes, insertions, cuts, repetitions.

import type { SeededRandom } from '../support/random.ts';

const extremeBytes = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const extremeInts = [0, 1, -1, -2, 0x7fffffff, -0x80000000, 0x10000, 0xffff, 100_000, 100_001, 16 * 2 ** 20, 12, 49, 48];

type Damage = (bytes: Buffer, random: SeededRandom) => Buffer;

const anywhere = (bytes: Buffer, random: SeededRandom) => random.between(0, bytes.length - 1);

const damages: readonly Damage[] = [
  (bytes, random) => {
    const at = anywhere(bytes, random);
    bytes.writeUInt8((bytes[at] as number) ^ (1 << random.between(0, 7)), at);
    return bytes;
  },
  (bytes, random) => {
    bytes.writeUInt8(random.chance(0.5) ? random.pick(extremeBytes) : random.between(0, 255), anywhere(bytes, random));
    return bytes;
  },
  (bytes, random) => {
    if (bytes.length >= 4) bytes.writeInt32BE(random.pick(extremeInts), random.between(0, bytes.length - 4));
    return bytes;
  },
  (bytes, random) => {
    const at = anywhere(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random.between(1, 12), random.pick(extremeBytes)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = anywhere(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.between(1, 12))]);
  },
  (bytes, random) => {
    const at = anywhere(bytes, random);
    const part = bytes.subarray(at, at + random.between(1, 64));
    return Buffer.concat([bytes.subarray(0, at), part, part, bytes.subarray(at + part.length)]);
  },
  (bytes, random) => Buffer.from(bytes.subarray(0, random.between(0, bytes.length))),
  (bytes, random) => Buffer.concat([bytes, Buffer.alloc(random.between(1, 80), random.pick(extremeBytes))]),
];

/** A damaged copy: one to four damages, one after another. */
export function mutate(bytes: Buffer, random: SeededRandom): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = random.chance(0.6) ? 1 : random.between(2, 4); left > 0 && mutated.length > 0; left--) mutated = random.pick(damages)(mutated, random);
  return mutated;
}
