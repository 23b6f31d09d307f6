import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursor, readValue } from '../../src/adapters/local/bytes.ts';
import { decodeItem, decodePlace, encodeItem as encode, encodePlace, joined } from '../../src/adapters/local/item-codec.ts';
import { InvalidWrite, type Item, type Key, type Value } from '../../src/log/write.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import { key } from './support.ts';

const encodeItem = (at: Key, given: Item): Uint8Array => joined(encode(at, given));

const name = fc.string({ unit: 'grapheme', maxLength: 80 }).filter((text) => text !== '__proto__' && text.isWellFormed());
// Some beyond the size from which a binary is a part of its own.
const bytes = fc.oneof({ weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) }, { weight: 1, arbitrary: fc.uint8Array({ minLength: 4000, maxLength: 4200, size: 'max' }) });
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.integer(),
    name,
    bytes,
    fc.array(bytes, { maxLength: 6 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(name, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));
const item = fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: true }) as fc.Arbitrary<Item>;

describe('items at rest', () => {
  it('come back as they were', () => {
    const same = (given: Item) => void expect(decodeItem(key('H'), encodeItem(key('H'), given))).toStrictEqual(given);
    fc.assert(fc.property(item, same), { numRuns: 500 });
  });

  it.each([0, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 49 - 1, Number.MAX_SAFE_INTEGER])('keep ±%d', (n) => {
    const given = { n, m: -n - 1 > -Number.MAX_SAFE_INTEGER ? -n - 1 : -n };
    expect(decodeItem(key('H'), encodeItem(key('H'), given))).toEqual(given);
  });

  it('I14: any flipped bit is found and named', () => {
    const stored = encodeItem(key('H'), { nx: 3, ids: [Uint8Array.of(1, 2)], name: 'a' });
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const flipped = Uint8Array.from(stored);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => decodeItem(key('H'), flipped)).toThrow(expect.objectContaining({ reason: 'corrupt', message: expect.stringContaining('P#test / H') }));
    }
    expect(() => decodeItem(key('H'), stored.subarray(0, 3))).toThrow(expect.objectContaining({ reason: 'corrupt' }));
  });

  it('are not taken for those of another key', () => {
    const stored = encodeItem(key('b', 'a'), { n: 1 });
    for (const other of [key('a', 'a'), key('', 'ab'), key('ab', '')]) expect(() => decodeItem(other, stored)).toThrow(StoreFailure);
  });

  it('of a newer format are refused as such', () => {
    const stored = encodeItem(key('H'), { n: 1 });
    stored[4] = 3;
    new DataView(stored.buffer, stored.byteOffset).setUint32(0, crc32c(stored.subarray(4), crc32c('P#test\0H\0')), true);
    expect(() => decodeItem(key('H'), stored)).toThrow(expect.objectContaining({ reason: 'newer', message: expect.stringContaining('format 3') }));
  });

  it('hand on large binaries as they lie', () => {
    const large = new Uint8Array(10_000).fill(7);
    expect(encode(key('p'), { fv: 1, b: large }).parts).toContain(large);
  });

  it('places come back as they were, and only under their key', () => {
    const place = { file: 3, position: 2 ** 40, bytes: 77 };
    expect(decodePlace(key('H'), encodePlace(key('H'), place))).toEqual(place);
    expect(() => decodePlace(key('I'), encodePlace(key('H'), place))).toThrow(expect.objectContaining({ reason: 'corrupt' }));
    expect(decodePlace(key('H'), encodeItem(key('H'), { n: 1 }))).toBeUndefined();
  });

  it('decode in bounded time and depth, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        try {
          readValue(cursor(random));
        } catch (error) {
          expect(error).toBeInstanceOf(StoreFailure);
        }
      }),
      { numRuns: 2000 },
    );
    const nested = (depth: number) => cursor(Uint8Array.from([...Array.from({ length: depth }).flatMap(() => [4, 1]), 0, 7]));
    expect(() => readValue(nested(32))).not.toThrow();
    expect(() => readValue(nested(40))).toThrow(StoreFailure);
    const endless = [255, 255, 255, 255, 255, 127];
    for (const bomb of [
      [4, ...endless],
      [5, ...endless],
      [6, ...endless, 0],
      [6, ...endless, 1],
      [3, ...endless],
    ])
      expect(() => readValue(cursor(Uint8Array.from(bomb)))).toThrow(StoreFailure);
  });

  it.each<[string, Item]>([
    ['a fraction', { a: 0.5 }],
    ['what is beyond 2^53', { a: 2 ** 53 }],
    ['NaN', { a: Number.NaN }],
    ['half a surrogate pair', { a: '\ud800' }],
    ['a name that is half a surrogate pair', { '\ud800': 1 }],
    ['__proto__', JSON.parse('{"__proto__": {}}') as Item],
    ['endless nesting', { a: Array.from({ length: 40 }).reduce<Value>((inner) => [inner], 1) }],
  ])('refuse %s', (_, given) => {
    expect(() => encodeItem(key('H'), given)).toThrow(InvalidWrite);
  });
});
