// Batches made to take memory or time: small inputs that claim, or become, far more than they are. Each is whole by its
// checksum; those that hold what the limits allow are to be taken, all others refused by a name that is known beforehand.

import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { xxhash32 } from '../../src/adapters/codecs/xxhash32.ts';
import { encodeBatch } from '../../src/record/batch-encode.ts';
import { batchHeaderBytes } from '../../src/record/batch-header.ts';
import { type Compression, compressionByCode } from '../../src/record/codecs.ts';
import type { ErrorCode } from '../../src/record/errors.ts';
import { limits } from '../../src/record/limits.ts';
import { writeVarint } from '../../src/record/varint.ts';
import { now } from './random-records.ts';

export type Bomb = { readonly name: string; readonly bytes: Buffer; readonly outcome: ErrorCode | 'valid' };

const mib = 1024 * 1024;
const empty = encodeBatch([{ timestamp: now, key: null, value: null, headers: [] }], { compression: 'none' }, nodeCodecs);

function varint(value: number): number[] {
  const bytes = new Uint8Array(5);
  return [...bytes.subarray(0, writeVarint(bytes, 0, value))];
}

/** A batch that says it has `count` records, around compressed bytes. */
function batch(compression: Compression, payload: Uint8Array, count = 1): Buffer {
  const bytes = Buffer.concat([empty.subarray(0, batchHeaderBytes), payload]);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt16BE(compressionByCode.indexOf(compression), 21);
  bytes.writeInt32BE(count - 1, 23);
  bytes.writeInt32BE(count, 57);
  bytes.writeUInt32BE(nodeCodecs.crc32c(bytes.subarray(21)), 17);
  return bytes;
}

/** `count` times the same record but for its offset delta. */
function records(count: number, tail: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const delta = varint(i);
    parts.push(Buffer.from([...varint(2 + delta.length + tail.length), 0, 0, ...delta, ...tail]));
  }
  return Buffer.concat(parts);
}

const repeat = (bytes: Uint8Array | readonly number[], times: number): Buffer => Buffer.alloc(bytes.length * times, Buffer.from(bytes));
const int32LE = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const zstdFrame = (window: number, blocks: Uint8Array) => Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (window - 10) << 3]), blocks]);
/** A zstd frame header with a content size of 8 bytes. */
const zstdSized = (sizeHigh: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0b1110_0000, 0, 0, 0, 0, ...int32LE(sizeHigh), 3, 0, 0]);
const xerial = Buffer.from('82534e41505059000000000100000001', 'hex');

function lz4Frame(flags: number, extra: readonly number[], blocks: Uint8Array): Buffer {
  const head = Buffer.from([flags, 0x70, ...extra]);
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18]), head, Buffer.from([(xxhash32(head, 0, head.length) >>> 8) & 0xff]), blocks, Buffer.alloc(4)]);
}

/** Made once: it takes some 100 MB while it is made. */
export function bombs(): Bomb[] {
  const zeros = Buffer.alloc(64 * mib);
  const rleBlock = [...int32LE(((128 * 1024) << 3) | 2).slice(0, 3), 0x61];
  // One record whose value is all that a batch may become.
  const zeroRecord = Buffer.concat([Buffer.from([...varint(16 * mib - 4), 0, 0, 0, 1, ...varint(16 * mib - 13)]), Buffer.alloc(16 * mib - 12)]);
  const full = records(limits.maxRecordsPerBatch, [1, 1, 0]);
  const headers = records(limits.maxHeadersPerBatch / 100, [1, 1, ...varint(100), ...Array(100).fill([0, 1]).flat()]);
  const manyHeaders = records(60_000, [1, 1, ...varint(100), ...Array(100).fill([0, 1]).flat()]);
  return [
    { name: 'gzip of 64 MiB', bytes: batch('gzip', gzipSync(zeros)), outcome: 'decompressed_too_large' },
    { name: 'gzip of 16 MiB, which a batch may be, but no records', bytes: batch('gzip', gzipSync(zeros.subarray(0, 16 * mib))), outcome: 'invalid_batch' },
    { name: 'gzip of 40,000 empty members', bytes: batch('gzip', repeat(gzipSync(''), 40_000)), outcome: 'invalid_batch' },
    { name: 'gzip of members of 64 MiB together', bytes: batch('gzip', repeat(gzipSync(zeros.subarray(0, mib)), 64)), outcome: 'decompressed_too_large' },
    { name: 'gzip of gzip', bytes: batch('gzip', gzipSync(gzipSync(zeros))), outcome: 'invalid_batch' },
    { name: 'zstd of 64 MiB', bytes: batch('zstd', zstdCompressSync(zeros)), outcome: 'decompressed_too_large' },
    { name: 'zstd of 16 MiB, which a batch may be, but no records', bytes: batch('zstd', zstdCompressSync(zeros.subarray(0, 16 * mib))), outcome: 'invalid_batch' },
    { name: 'zstd of a million bytes of RLE blocks', bytes: batch('zstd', zstdFrame(24, repeat(rleBlock, 200_000))), outcome: 'decompressed_too_large' },
    { name: 'zstd with a window of 32 MiB', bytes: batch('zstd', zstdFrame(25, Buffer.from([1, 0, 0]))), outcome: 'decompressed_too_large' },
    { name: 'zstd with a window of 3.75 TiB', bytes: batch('zstd', zstdFrame(41, Buffer.from([1, 0, 0]))), outcome: 'decompressed_too_large' },
    { name: 'zstd that says 2^62 bytes', bytes: batch('zstd', zstdSized(0x40000000)), outcome: 'decompressed_too_large' },
    { name: 'zstd of 100,000 skippable frames', bytes: batch('zstd', repeat([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0], 100_000)), outcome: 'invalid_compression' },
    {
      name: 'zstd by long matches',
      bytes: batch('zstd', zstdCompressSync(zeros, { params: { [constants.ZSTD_c_windowLog]: 24, [constants.ZSTD_c_contentSizeFlag]: 0 } })),
      outcome: 'decompressed_too_large',
    },
    { name: 'snappy of 20 MiB', bytes: batch('snappy', snappyCompress(zeros.subarray(0, 20 * mib))), outcome: 'decompressed_too_large' },
    { name: 'snappy that says 4 GiB', bytes: batch('snappy', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])), outcome: 'invalid_compression' },
    {
      name: 'snappy that says 21 MiB and has bytes enough for it',
      bytes: batch('snappy', Buffer.concat([Buffer.from([0x80, 0x80, 0xc0, 0x0a]), Buffer.alloc(mib - 100)])),
      outcome: 'decompressed_too_large',
    },
    { name: 'xerial of 200,000 empty blocks', bytes: batch('snappy', Buffer.concat([xerial, repeat([0, 0, 0, 1, 0], 200_000)])), outcome: 'invalid_batch' },
    { name: 'xerial of 20 blocks of 1 MiB', bytes: batch('snappy', Buffer.concat([xerial, ...xerialBlocks(snappyCompress(zeros.subarray(0, mib)), 20)])), outcome: 'decompressed_too_large' },
    { name: 'lz4 of 64 MiB', bytes: batch('lz4', lz4Compress(zeros)), outcome: 'decompressed_too_large' },
    {
      name: 'lz4 of a million bytes of match length',
      bytes: batch('lz4', lz4Frame(0x60, [], Buffer.concat([Buffer.from([...int32LE(1_000_004), 0x1f, 0, 1, 0]), repeat([255], 1_000_000)]))),
      outcome: 'invalid_compression',
    },
    { name: 'lz4 that says 2^62 bytes', bytes: batch('lz4', lz4Frame(0x68, [0, 0, 0, 0, 0, 0, 0, 0x40], Buffer.alloc(0))), outcome: 'decompressed_too_large' },
    { name: 'lz4 that says 16 MiB and holds none', bytes: batch('lz4', lz4Frame(0x68, [0, 0, 0, 1, 0, 0, 0, 0], Buffer.alloc(0))), outcome: 'invalid_compression' },
    { name: 'lz4 of 250,000 empty blocks', bytes: batch('lz4', lz4Frame(0x60, [], repeat([0, 0, 0, 0x80], 250_000))), outcome: 'invalid_batch' },
    { name: 'a count of 2^31 - 1 in a few bytes', bytes: batch('none', Buffer.alloc(100), 0x7fffffff), outcome: 'invalid_batch' },
    { name: 'a count of 100,000 in 16 MiB of nothing', bytes: batch('zstd', zstdCompressSync(zeros.subarray(0, 16 * mib)), 100_000), outcome: 'invalid_batch' },
    { name: 'a record of 2^31 - 1 bytes', bytes: batch('none', Buffer.from([...varint(0x7fffffff), 0, 0, 0, 1, 1, 0])), outcome: 'invalid_batch' },
    { name: 'a key of 2^31 - 1 bytes', bytes: batch('none', Buffer.from([...varint(10), 0, 0, 0, ...varint(0x7fffffff), 1, 0])), outcome: 'invalid_batch' },
    { name: 'headers of 2^31 - 1', bytes: batch('none', Buffer.from([...varint(10), 0, 0, 0, 1, 1, ...varint(0x7fffffff)])), outcome: 'invalid_batch' },
    { name: 'a varint without an end', bytes: batch('none', repeat([0xff], 1000)), outcome: 'invalid_batch' },
    { name: 'a time without an end', bytes: batch('none', Buffer.from([...varint(100), 0, ...repeat([0xff], 120)])), outcome: 'invalid_batch' },
    { name: 'as many records as a batch may have', bytes: batch('zstd', zstdCompressSync(full), limits.maxRecordsPerBatch), outcome: 'valid' },
    { name: 'as many headers as a batch may have', bytes: batch('gzip', gzipSync(headers), limits.maxHeadersPerBatch / 100), outcome: 'valid' },
    { name: 'six million headers', bytes: batch('zstd', zstdCompressSync(manyHeaders), 60_000), outcome: 'invalid_batch' },
    { name: 'batches that become 128 MiB and more together', bytes: repeat(batch('zstd', zstdCompressSync(zeroRecord), 1), 9), outcome: 'decompressed_too_large' },
  ];
}

function xerialBlocks(block: Buffer, times: number): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return Array.from({ length: times }, () => Buffer.concat([length, block]));
}
