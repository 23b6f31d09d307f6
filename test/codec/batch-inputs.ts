// The inputs of part b: record batches of all compressions, damaged in the header, under a checksum that is made
// right again, or inside what was compressed; and batches that lie about counts and lengths, and bombs.

import { gzipSync, zstdCompressSync } from 'node:zlib';
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { encodeBatch } from '../../src/record/batch-encode.ts';
import { batchHeaderBytes } from '../../src/record/batch-header.ts';
import { type Compression, compressionByCode } from '../../src/record/codecs.ts';
import { type SeededRandom, seededRandom } from '../support/random.ts';
import { mutate } from './mutate.ts';
import { xerialCompress } from './peers.ts';
import { randomRecords } from './random-records.ts';

/** `records`: what the batch holds, decompressed, where everything around it is right. */
export type Input = { readonly kind: string; readonly bytes: Buffer; readonly records?: Buffer };

const compressors: Record<Exclude<Compression, 'none'>, readonly ((bytes: Buffer) => Buffer)[]> = {
  gzip: [(bytes) => gzipSync(bytes, { level: 1 })],
  snappy: [(bytes) => snappyCompress(bytes), xerialCompress],
  lz4: [(bytes) => lz4Compress(bytes)],
  zstd: [(bytes) => zstdCompressSync(bytes)],
};

function compress(compression: Compression, payload: Buffer, random: SeededRandom): Buffer {
  return compression === 'none' || payload.length === 0 ? payload : random.pick(compressors[compression])(payload);
}

/** A batch of these (perhaps compressed) records, with the header of `like`, its length and checksum right. */
function assemble(like: Buffer, compression: Compression, payload: Buffer): Buffer {
  const batch = Buffer.concat([like.subarray(0, batchHeaderBytes), payload]);
  batch.writeInt16BE(compressionByCode.indexOf(compression), 21);
  return withTrueLengthAndCrc(batch);
}

function withTrueCrc(bytes: Buffer): Buffer {
  if (bytes.length < 21) return bytes;
  const end = Math.max(21, Math.min(bytes.length, bytes.readInt32BE(8) + 12));
  bytes.writeUInt32BE(nodeCodecs.crc32c(bytes.subarray(21, end)), 17);
  return bytes;
}

function withTrueLengthAndCrc(bytes: Buffer): Buffer {
  if (bytes.length >= 12) bytes.writeInt32BE(bytes.length - 12, 8);
  return withTrueCrc(bytes);
}

function lie(batch: Buffer, random: SeededRandom): Buffer {
  const count = random.pick([0, -1, 2, 3, 1000, 99_999, 100_000, 100_001, 0x7fffffff, -0x80000000]);
  batch.writeInt32BE(count, 57);
  if (random.chance(0.8)) batch.writeInt32BE(count - 1 < -0x80000000 ? 0x7fffffff : count - 1, 23);
  return withTrueCrc(batch);
}

/** A varint made longer, or too long, by bytes that say nothing or too much; mutations seldom make one. */
function writeOverlong(records: Buffer, random: SeededRandom): Buffer {
  // The first record's length, or the first integer after its attributes.
  let at = 0;
  if (random.chance(0.5)) {
    while ((records[at++] as number) >= 128);
    at++;
  }
  let end = at;
  while ((records[end] as number) >= 128) end++;
  const spare = Buffer.alloc(random.between(0, 9), 0x80);
  const number = Buffer.from(records.subarray(at, end + 1));
  number.writeUInt8((number.at(-1) as number) | 0x80, number.length - 1);
  return Buffer.concat([records.subarray(0, at), number, spare, Buffer.from([random.pick([0, 0, 1, 0x0f, 0x10, 0x7f])]), records.subarray(end + 1)]);
}

const mib = 2 ** 20;

/** What decompresses to far more than the limit, or to just less. Made before the baseline of memory is taken. */
function makeBombs(): readonly { readonly compression: Compression; readonly payload: Buffer }[] {
  const zeros = Buffer.alloc(64 * mib);
  const below = zeros.subarray(0, 16 * mib - 100);
  const many = (payload: Buffer) => Buffer.concat(Array.from({ length: 16 }, () => payload));
  const snappyLie = Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x08]), snappyCompress(zeros.subarray(0, mib)).subarray(3)]);
  return [
    ...[zeros, below].flatMap((bytes) => [
      { compression: 'gzip' as const, payload: gzipSync(bytes) },
      { compression: 'zstd' as const, payload: zstdCompressSync(bytes) },
      { compression: 'lz4' as const, payload: lz4Compress(bytes) },
      { compression: 'snappy' as const, payload: snappyCompress(bytes) },
      { compression: 'snappy' as const, payload: xerialCompress(bytes) },
    ]),
    { compression: 'gzip', payload: many(gzipSync(zeros)) },
    { compression: 'zstd', payload: many(zstdCompressSync(zeros)) },
    { compression: 'snappy', payload: snappyLie },
  ];
}

const bombEvery = 500;

type Sample = { readonly batch: Buffer; readonly records: Buffer };

/** The generator of inputs: `input(i)` depends on the seed and on i alone. */
export function createInputs(seed: number) {
  const bombs = makeBombs();
  const samples: Sample[] = Array.from({ length: 400 }, (_, i) => {
    const random = seededRandom(seed + i);
    const producer = random.chance(0.3) ? { producer: { id: random.between(0, 1e6), epoch: 1, sequence: 5 } } : {};
    const batch = Buffer.from(encodeBatch(randomRecords(random, { maxCount: 20, maxLength: random.chance(0.1) ? 8192 : 1000 }), { compression: 'none', ...producer }, nodeCodecs));
    return { batch, records: batch.subarray(batchHeaderBytes) };
  });

  return {
    isBomb: (index: number) => index % bombEvery === 0,
    input(index: number): Input {
      const random = seededRandom(seed ^ Math.imul(index + 1, 0x9e3779b1));
      const { batch, records } = random.pick(samples);
      const compression = compressionByCode[Math.floor(index / 4) % 5] as Compression;
      if (index % bombEvery === 0) {
        const bomb = bombs[(index / bombEvery) % bombs.length] as (typeof bombs)[number];
        return { kind: 'bomb', bytes: assemble(batch, bomb.compression, bomb.payload) };
      }
      const whole = () => assemble(batch, compression, compress(compression, records, random));
      switch (index % 4) {
        case 0:
          return { kind: 'damaged', bytes: mutate(random.chance(0.2) ? Buffer.concat([whole(), whole()]) : whole(), random) };
        case 3: {
          const damaged = random.chance(0.2) ? writeOverlong(records, random) : mutate(records, random);
          return { kind: 'damaged inside', bytes: assemble(batch, compression, compress(compression, damaged, random)), records: damaged };
        }
        default: {
          if (random.chance(0.1)) return { kind: 'lying count', bytes: lie(whole(), random) };
          const damaged = mutate(whole(), random);
          return { kind: 'damaged, CRC right', bytes: random.chance(0.5) ? withTrueLengthAndCrc(damaged) : withTrueCrc(damaged) };
        }
      }
    },
  };
}
