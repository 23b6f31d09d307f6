// Variable-length integers: what is written is read, in the bytes that the size says, and nothing is read beyond the
// end or past the width. The vectors are those of Kafka's ByteUtilsTest and of Protocol Buffers.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readVarint, readVarlong, varintSize, varlongSize, writeVarint, writeVarlong } from '../../src/record/varint.ts';
import { refusalCode } from './support.ts';

const vectors: [number, number[]][] = [
  [0, [0x00]],
  [-1, [0x01]],
  [1, [0x02]],
  [63, [0x7e]],
  [-64, [0x7f]],
  [64, [0x80, 0x01]],
  [-65, [0x81, 0x01]],
  [8191, [0xfe, 0x7f]],
  [-8192, [0xff, 0x7f]],
  [8192, [0x80, 0x80, 0x01]],
  [1048575, [0xfe, 0xff, 0x7f]],
  [1048576, [0x80, 0x80, 0x80, 0x01]],
  [134217727, [0xfe, 0xff, 0xff, 0x7f]],
  [134217728, [0x80, 0x80, 0x80, 0x80, 0x01]],
  [2147483647, [0xfe, 0xff, 0xff, 0xff, 0x0f]],
  [-2147483648, [0xff, 0xff, 0xff, 0xff, 0x0f]],
];

const cursor = (bytes: readonly number[]) => ({ bytes: Uint8Array.from(bytes), at: 0, end: bytes.length });

test.each(vectors)('%d has the bytes that Kafka gives it, as varint and as varlong', (value, bytes) => {
  for (const [write, size, read] of [
    [writeVarint, varintSize, readVarint],
    [writeVarlong, varlongSize, readVarlong],
  ] as const) {
    const out = new Uint8Array(12);
    expect([...out.subarray(0, write(out, 0, value))]).toEqual(bytes);
    expect(size(value)).toBe(bytes.length);
    const from = cursor(bytes);
    expect(read(from)).toBe(value);
    expect(from.at).toBe(bytes.length);
  }
});

test('varlongs beyond 32 bits have the bytes that Kafka gives them', () => {
  const out = new Uint8Array(12);
  const written = (value: number) => Buffer.from(out.subarray(0, writeVarlong(out, 0, value))).toString('hex');
  expect(written(2147483648)).toBe('8080808010');
  expect(written(-2147483649)).toBe('8180808010');
  expect(written(17179869183)).toBe('feffffff7f');
  expect(written(17179869184)).toBe('808080808001');
  expect(written(-17179869185)).toBe('818080808001');
  expect(written(2 ** 52 - 1)).toBe('feffffffffffff0f');
});

test('what is written is read again, in the size that was said', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }), (int, long) => {
      const bytes = new Uint8Array(20);
      const middle = writeVarint(bytes, 0, int);
      const end = writeVarlong(bytes, middle, long);
      const from = { bytes, at: 0, end };
      expect([readVarint(from), readVarlong(from), from.at, middle, end - middle]).toEqual([int, long, end, varintSize(int), varlongSize(long)]);
    }),
  );
});

test('an integer cut short is refused, and nothing beyond the end is read', () => {
  for (const [value, bytes] of vectors) {
    for (let end = 0; end < bytes.length; end++) {
      const from = { bytes: Uint8Array.from(bytes), at: 0, end };
      expect([value, refusalCode(() => readVarint(from)), refusalCode(() => readVarlong(from)), from.at]).toEqual([value, 'invalid_batch', 'invalid_batch', 0]);
    }
  }
});

test.each([
  ['a varint of more than 32 bits', readVarint, [0x80, 0x80, 0x80, 0x80, 0x10]],
  ['a varint of six bytes', readVarint, [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
  ['a varint without an end', readVarint, Array(20).fill(0xff)],
  ['a varlong of more than 64 bits', readVarlong, [...Array(9).fill(0x80), 0x02]],
  ['a varlong of eleven bytes', readVarlong, [...Array(10).fill(0x80), 0x00]],
  ['a varlong beyond 2^53', readVarlong, [...Array(9).fill(0xff), 0x01]],
  ['a varlong without an end', readVarlong, Array(30).fill(0xff)],
])('%s is refused', (_, read, bytes) => expect(refusalCode(() => read(cursor(bytes)))).toBe('invalid_batch'));
