// The tests' own record batch code, held against the CRC's published check value and, byte by byte, a batch
// written out from the specification.

import { expect, test } from 'vitest';
import { crc32c, decodeBatches, encodeBatch } from './record-batch.ts';

test('crc32c has its published check value', () => expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283'));

test('one record is laid out as the specification says', () => {
  const batch = encodeBatch([{ key: Buffer.from('k'), value: Buffer.from('va') }], 1000);
  const body = '0000' + '00000000' + '00000000000003e8' + '00000000000003e8' + 'ffffffffffffffff' + 'ffff' + 'ffffffff' + '00000001' + '12' + '00' + '00' + '00' + '026b' + '047661' + '00';
  expect(batch.subarray(21).toString('hex')).toBe(body);
  expect(batch.subarray(0, 17).toString('hex')).toBe(`0000000000000000${(batch.length - 12).toString(16).padStart(8, '0')}0000000002`);
});

test('what is written is read again, null and empty apart', () => {
  const records = [
    { key: Buffer.from('k'), value: null, timestamp: 2_000 },
    { key: null, value: Buffer.alloc(0), timestamp: 1_000 },
    { key: null, value: Buffer.alloc(100_000, 7), timestamp: 3_000 },
  ];
  const two = Buffer.concat([encodeBatch(records, 0), encodeBatch(records, 0)]);
  expect(decodeBatches(two)).toEqual([...records, ...records].map((record, i) => ({ ...record, offset: i % 3 })));
});

test('a flipped byte and a torn batch are errors', () => {
  const batch = encodeBatch([{ value: Buffer.from('value') }], 0);
  const flipped = Buffer.from(batch);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 3) ^ 1, flipped.length - 3);
  expect(() => decodeBatches(flipped)).toThrow('CRC');
  expect(() => decodeBatches(batch.subarray(0, -1))).toThrow('claims to end');
});
