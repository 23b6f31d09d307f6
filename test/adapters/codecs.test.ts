// Decompression is held to what other implementations write, to its bounds (I13: a bomb is refused with no memory taken
// for it), and to its two names: whatever is wrong with the bytes is invalid_compression or decompressed_too_large.

import { constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lz4Decompress } from '../../src/adapters/codecs/lz4.ts';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { snappyDecompress } from '../../src/adapters/codecs/snappy.ts';
import { xxhash32 } from '../../src/adapters/codecs/xxhash32.ts';
import { refusal, refusalCode, utf8 } from '../record/support.ts';
import { crc32c } from '../support/record-batch.ts';
import { lz4BigFrames, lz4BigText, lz4Frames, lz4Legacy, lz4Text, lz4WithDictionary } from './lz4-frames.ts';

const mib = 1024 * 1024;
const bytes = (...parts: (number | Uint8Array)[]) => Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
const int32LE = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const int32BE = (value: number) => int32LE(value).reverse();
const sizes = [0, 1, 7, 100, 5_000, 65_535, 65_536, 65_537, 300_000];
const samples = sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => (i * i * 31 + (i >> 7)) & (i % 3 === 0 ? 0xff : 0x0f)));

const framed = (...blocks: Uint8Array[]) => bytes(0x82, utf8('SNAPPY'), 0, ...int32BE(1), ...int32BE(1), ...blocks.map((block) => bytes(...int32BE(block.length), block)));
const compressors = {
  gzip: (content: Uint8Array) => gzipSync(content),
  zstd: (content: Uint8Array) => zstdCompressSync(content),
  snappy: (content: Uint8Array) => Uint8Array.from(snappyCompress(Buffer.from(content))),
  lz4: (content: Uint8Array) => Uint8Array.from(lz4Compress(Buffer.from(content))),
};

describe.each(['gzip', 'zstd', 'snappy', 'lz4'] as const)('%s', (name) => {
  test('what another implementation compressed is what it was', () => {
    for (const sample of samples) expect(Buffer.from(nodeCodecs.decompress(name, compressors[name](sample), mib)).equals(sample)).toBe(true);
  });

  test('I13: the bound is exact', () => {
    for (const sample of samples.slice(2)) {
      const compressed = compressors[name](sample);
      expect(nodeCodecs.decompress(name, compressed, sample.length).length).toBe(sample.length);
      expect(refusal(() => nodeCodecs.decompress(name, compressed, sample.length - 1))).toMatchObject({ code: 'decompressed_too_large', facts: { limit: sample.length - 1 } });
    }
  });

  test('I13: a bomb is refused', () => {
    const bomb = compressors[name](new Uint8Array(20 * mib));
    expect(refusalCode(() => nodeCodecs.decompress(name, bomb, 16 * mib))).toBe('decompressed_too_large');
  });

  test('nothing, a part, and more than there should be are invalid_compression', () => {
    const [, , , sample = new Uint8Array(0)] = samples;
    const compressed = compressors[name](sample);
    for (let cut = 0; cut < compressed.length; cut++) expect(refusalCode(() => nodeCodecs.decompress(name, compressed.subarray(0, cut), mib))).toBe('invalid_compression');
    // Other readers go on behind the end, or fail there: what would be hidden from us must not be served.
    for (const tail of [[0], [0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8], [0x1f, 0x8b], [0x28, 0xb5]]) {
      expect([tail, refusalCode(() => nodeCodecs.decompress(name, bytes(compressed, ...tail), mib))]).toEqual([tail, 'invalid_compression']);
    }
  });

  test('whatever the bytes are, the result is within the bound or the error is named', () => {
    const compressed = compressors[name](samples[4] ?? new Uint8Array(0));
    const bend = fc.tuple(fc.nat(compressed.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.array(bend, { minLength: 1, maxLength: 4 })), (input) => {
        const broken = input instanceof Uint8Array ? input : Uint8Array.from(compressed);
        if (!(input instanceof Uint8Array)) for (const [at, byte] of input) broken[at] = byte;
        try {
          expect(nodeCodecs.decompress(name, broken, 10_000).length).toBeLessThanOrEqual(10_000);
        } catch (error) {
          expect(error).toMatchObject({ name: 'WadiError', code: expect.stringMatching(/^(invalid_compression|decompressed_too_large)$/) });
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('what we compress is what it was', () => {
  for (const name of ['gzip', 'zstd'] as const) for (const sample of samples) expect(Buffer.from(nodeCodecs.decompress(name, nodeCodecs.compress(name, sample), mib)).equals(sample)).toBe(true);
});

test('CRC-32C has its published value, and that of a plain table over views of any place', () => {
  expect(nodeCodecs.crc32c(utf8('123456789'))).toBe(0xe3069283);
  const sample = samples[4] ?? new Uint8Array(0);
  for (const from of [0, 1, 7, 4999, 5000]) expect(nodeCodecs.crc32c(sample.subarray(from))).toBe(crc32c(sample.subarray(from)));
});

describe('gzip', () => {
  test('several members are one content, as RFC 1952 has it', () => {
    const several = bytes(gzipSync('one '), gzipSync(''), gzipSync('two'));
    expect(Buffer.from(nodeCodecs.decompress('gzip', several, 100)).toString()).toBe('one two');
    expect(refusalCode(() => nodeCodecs.decompress('gzip', several, 6))).toBe('decompressed_too_large');
  });

  test('zlib without gzip is refused', () => expect(refusalCode(() => nodeCodecs.decompress('gzip', deflateSync('text'), 100))).toBe('invalid_compression'));
});

describe('zstd', () => {
  const frame = (window: number, size: number) => bytes(0x28, 0xb5, 0x2f, 0xfd, 0x00, (window - 10) << 3, ...int32LE((size << 3) | 1).slice(0, 3), new Uint8Array(size).fill(0x61));

  test('I13: a window of more than the result may have, and at least 8 MiB, is refused before memory is taken for it', () => {
    expect(nodeCodecs.decompress('zstd', frame(23, 3), 1000)).toHaveLength(3);
    expect(nodeCodecs.decompress('zstd', frame(24, 3), 16 * mib)).toHaveLength(3);
    for (const window of [25, 27, 31, 41]) expect(refusalCode(() => nodeCodecs.decompress('zstd', frame(window, 3), 16 * mib))).toBe('decompressed_too_large');
    expect(refusalCode(() => nodeCodecs.decompress('zstd', frame(24, 3), 1000))).toBe('decompressed_too_large');
  });

  test('a second frame is refused, not left out', () => {
    const one = zstdCompressSync('one');
    expect(refusalCode(() => nodeCodecs.decompress('zstd', bytes(one, one), 100))).toBe('invalid_compression');
  });

  test('a wrong content checksum is refused', () => {
    const checked = zstdCompressSync('some content', { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    expect(nodeCodecs.decompress('zstd', checked, 100)).toHaveLength(12);
    expect(refusalCode(() => nodeCodecs.decompress('zstd', bytes(checked.subarray(0, -1), (checked.at(-1) ?? 0) ^ 1), 100))).toBe('invalid_compression');
  });
});

describe('snappy', () => {
  test('elements of every kind, written by hand from the format description', () => {
    // 'abcd', a copy of 4 from 4 back (1 byte of offset), of 5 from 8 back (2), of 1 from 1 back (4), a literal by one length byte.
    const raw = bytes(20, (4 - 1) << 2, utf8('abcd'), 0b000_000_01, 4, ((5 - 1) << 2) | 2, 8, 0, 0b11, 1, 0, 0, 0, 60 << 2, 5, utf8('uvwxyz'));
    expect(Buffer.from(snappyDecompress(raw, 100)).toString()).toBe('abcdabcdabcdaauvwxyz'.slice(0, 20));
  });

  test("blocks in xerial's frame, as Java's client writes them, also none and empty ones", () => {
    const blocks = [samples[3], samples[0], samples[4]].map((sample) => compressors.snappy(sample ?? new Uint8Array(0)));
    expect(Buffer.from(snappyDecompress(framed(...blocks), mib))).toEqual(Buffer.concat([samples[3] ?? '', samples[4] ?? ''] as Uint8Array[]));
    expect(snappyDecompress(framed(), mib)).toHaveLength(0);
  });

  test('a block copies from nowhere but itself', () => {
    const reachesBack = bytes(4, 0b000_000_01, 4);
    expect(refusalCode(() => snappyDecompress(framed(compressors.snappy(utf8('abcd')), reachesBack), 100))).toBe('invalid_compression');
  });

  test.each([
    ['a size of more than 32 bits', bytes(0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a size without an end', bytes(0x80, 0x80)],
    ['a size that its bytes cannot become', bytes(0xff, 0xff, 0x7f, 0, 0x61)],
    ['a literal beyond the end', bytes(10, (10 - 1) << 2, 0x61)],
    ['a literal of 4 GiB', bytes(10, 63 << 2, 0xff, 0xff, 0xff, 0xff, 0x61)],
    ['a literal of more than the size', bytes(1, (2 - 1) << 2, 0x61, 0x61)],
    ['a copy from before the start', bytes(5, 0, 0x61, 0b01, 2)],
    ['a copy from 0 back', bytes(5, 0, 0x61, 0b01, 0)],
    ['a copy from 4 GiB back', bytes(5, 0, 0x61, 0b1111, 0xff, 0xff, 0xff, 0xff)],
    ['a copy of more than the size', bytes(2, 0, 0x61, 0b01, 1)],
    ['less than the size', bytes(5, 0, 0x61)],
    ['a frame that ends in its header', framed().subarray(0, 12)],
    ['a block that ends beyond the frame', bytes(framed(), ...int32BE(9), 1, 0, 0x61)],
    ['a block of negative length', bytes(framed(), ...int32BE(-1), 1, 0, 0x61)],
    ['a block of no bytes', bytes(framed(), ...int32BE(0))],
    ['half a block length', bytes(framed(), 0, 0)],
  ])('%s is invalid_compression', (_, input) => expect(refusalCode(() => snappyDecompress(input, mib))).toBe('invalid_compression'));

  test('I13: sizes are bounded over all blocks', () => {
    const block = compressors.snappy(new Uint8Array(600));
    expect(refusalCode(() => snappyDecompress(framed(block, block), 1199))).toBe('decompressed_too_large');
  });
});

describe('lz4', () => {
  test.each(Object.entries(lz4Frames))('the frame of the reference implementation with %s is read', (_, frame) => expect(lz4Decompress(frame, 267)).toEqual(lz4Text));
  test.each(Object.entries(lz4BigFrames))('the frame of the reference implementation with %s is read', (_, frame) => {
    expect(Buffer.from(lz4Decompress(frame, 144_000)).equals(lz4BigText)).toBe(true);
    expect(refusalCode(() => lz4Decompress(frame, 143_999))).toBe('decompressed_too_large');
  });

  test.each(Object.entries(lz4Frames).slice(1))('a flipped bit is noticed by the checksum of %s, or by the form', (name, frame) => {
    for (let at = 0; at < frame.length; at++) {
      // The content size alone does not check what is inside the blocks, nor do blocks' checksums what is around them.
      const broken = frame.map((byte, i) => (i === at ? byte ^ 0x10 : byte));
      expect([name, at, refusalCode(() => lz4Decompress(broken, mib))]).toEqual([name, at, expect.stringMatching(/^(invalid_compression|decompressed_too_large)$/)]);
    }
  });

  /** A frame around blocks, with a true header checksum. */
  const frame = (flags: number, descriptor: number, ...rest: (number | Uint8Array)[]) =>
    bytes(...int32LE(0x184d2204), flags, descriptor, (xxhash32(bytes(flags, descriptor), 0, 2) >>> 8) & 0xff, ...rest);
  const stored = (content: Uint8Array) => bytes(...int32LE(content.length | 0x8000_0000), content);
  const end = bytes(0, 0, 0, 0);

  test('stored and empty blocks, and none', () => {
    expect(Buffer.from(lz4Decompress(frame(0x60, 0x40, stored(utf8('ab')), stored(utf8('')), stored(utf8('c')), end), 3)).toString()).toBe('abc');
    expect(lz4Decompress(frame(0x60, 0x40, end), 0)).toHaveLength(0);
  });

  test('a match overlaps what it writes; of a linked block it reaches into the one before, of an independent one not', () => {
    const repeats = bytes(...int32LE(9), 0x13, 0x61, 1, 0, 0x40, utf8('end!'));
    expect(Buffer.from(lz4Decompress(frame(0x60, 0x40, repeats, end), 100)).toString()).toBe('aaaaaaaaend!');
    const reaches = bytes(...int32LE(8), 0x00, 2, 0, 0x40, utf8('end!'));
    expect(Buffer.from(lz4Decompress(frame(0x40, 0x40, stored(utf8('xy')), reaches, end), 100)).toString()).toBe('xyxyxyend!');
    expect(refusalCode(() => lz4Decompress(frame(0x60, 0x40, stored(utf8('xy')), reaches, end), 100))).toBe('invalid_compression');
  });

  test.each([
    ['a dictionary named in its header', frame(0x61, 0x40, ...int32LE(1), end)],
    ['a dictionary that it needs', lz4WithDictionary],
    ['the legacy frame', lz4Legacy],
    ['a skippable frame', bytes(...int32LE(0x184d2a50), ...int32LE(4), 0, 0, 0, 0, frame(0x60, 0x40, end))],
    ['a second frame', bytes(frame(0x60, 0x40, end), frame(0x60, 0x40, end))],
    ['a frame of version 0', frame(0x20, 0x40, end)],
    ['a reserved flag', frame(0x62, 0x40, end)],
    ['a reserved bit of the descriptor', frame(0x60, 0x41, end)],
    ['a block size of 3', frame(0x60, 0x30, end)],
    ['a wrong header checksum', frame(0x60, 0x40, end).map((byte, at) => (at === 6 ? byte ^ 1 : byte))],
    ['no end mark', frame(0x60, 0x40, stored(utf8('ab')))],
    ['a block beyond the end', frame(0x60, 0x40, ...int32LE(100), end)],
    ['a block of 2 GiB', frame(0x60, 0x40, ...int32LE(0x7fffffff), end)],
    ['a stored block beyond its size', frame(0x60, 0x40, stored(new Uint8Array(65_537)), end)],
    ['a compressed block beyond its size', frame(0x60, 0x40, ...int32LE(272), 0x1f, 0x61, 1, 0, new Uint8Array(266).fill(255), 0, 0, end)],
    ['a match without its offset', frame(0x60, 0x40, ...int32LE(3), 0x10, 0x61, 1, end)],
    ['a match from 0 back', frame(0x60, 0x40, ...int32LE(5), 0x10, 0x61, 0, 0, 0, end)],
    ['a block that ends in a match', frame(0x60, 0x40, ...int32LE(4), 0x10, 0x61, 1, 0, end)],
    ['a length without an end', frame(0x60, 0x40, ...int32LE(3), 0xf0, 255, 255, end)],
    ['literals beyond the block', frame(0x60, 0x40, ...int32LE(3), 0xf0, 200, 0x61, end)],
  ])('%s is invalid_compression', (_, input) => expect(refusalCode(() => lz4Decompress(input, mib))).toBe('invalid_compression'));

  test('a content size is held to: neither less nor more', () => {
    const sized = (size: number) => {
      const head = bytes(0x68, 0x40, ...int32LE(size), 0, 0, 0, 0);
      return bytes(...int32LE(0x184d2204), head, (xxhash32(head, 0, head.length) >>> 8) & 0xff, stored(utf8('abc')), end);
    };
    expect(lz4Decompress(sized(3), 10)).toHaveLength(3);
    expect([2, 4].map((size) => refusalCode(() => lz4Decompress(sized(size), 10)))).toEqual(['invalid_compression', 'invalid_compression']);
    expect(refusalCode(() => lz4Decompress(sized(0xffffffff), 10))).toBe('decompressed_too_large');
  });
});

test('xxhash32 has its published values', () => {
  const hash = (text: string) => xxhash32(utf8(text), 0, text.length);
  expect(['', 'a', 'abc', 'Nobody inspects the spammish repetition'].map(hash)).toEqual([0x02cc5d05, 0x550d7456, 0x32d153ff, 0xe2293b2f]);
});
