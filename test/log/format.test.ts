// What the log writes into items it reads back, and what it did not write it refuses by name.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addToTotals, decodeProducer, decodeRef, decodeTotals, encodeProducer, encodeRef, encodeTotals, maxPosition, type Ref } from '../../src/log/format.ts';
import { newHead, parseHead } from '../../src/log/head.ts';
import { parseTopic } from '../../src/log/topic.ts';
import type { WadiError } from '../../src/record/errors.ts';

const uint32 = fc.nat(0xffffffff);
const uint48 = fc.nat(2 ** 48 - 1);
const anyRef: fc.Arbitrary<Ref> = fc.record({
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  epoch: uint32,
  inline: fc.boolean(),
  position: fc.nat(maxPosition),
  length: uint32,
  count: uint32,
  maxTimestamp: uint48,
});

it('refs, totals and producer states come back as they went in', () => {
  fc.assert(
    fc.property(anyRef, uint48, uint48, uint32, (ref, maxTimestamp, bytes, refs) => {
      expect(encodeRef(ref)).toHaveLength(22);
      expect(decodeRef(ref.id, encodeRef(ref))).toEqual(ref);
      expect(decodeTotals(encodeTotals({ maxTimestamp, bytes, refs }))).toEqual({ maxTimestamp, bytes, refs });
    }),
  );
  fc.assert(
    fc.property(fc.nat(32767), fc.nat(2 ** 31 - 1), uint32, uint32, fc.nat(Number.MAX_SAFE_INTEGER), (epoch, lastSequence, count, within, commitOffset) => {
      const state = { epoch, lastSequence, count, within, commitOffset };
      expect(decodeProducer(encodeProducer(state), commitOffset)).toEqual({ ...state, encoded: encodeProducer(state) });
      expect(encodeProducer(state).length).toBeLessThanOrEqual(18);
    }),
  );
});

it('totals run on: sums, and the greatest timestamp so far', () => {
  fc.assert(
    fc.property(fc.array(anyRef, { maxLength: 20 }), (refs) => {
      const totals = addToTotals({ maxTimestamp: 5, bytes: 7, refs: 1 }, refs);
      expect(totals).toEqual({ maxTimestamp: Math.max(5, ...refs.map((ref) => ref.maxTimestamp)), bytes: refs.reduce((sum, ref) => sum + ref.length, 7), refs: refs.length + 1 });
    }),
  );
});

describe('an item', () => {
  const codeOf = (read: () => unknown): string => {
    try {
      read();
      return 'no error';
    } catch (error) {
      return (error as WadiError).code;
    }
  };

  it('of a newer format is refused with a message', () => {
    expect(codeOf(() => parseHead({ ...newHead(1), fv: 2 }))).toBe('unsupported_format');
    expect(codeOf(() => parseTopic('x', { fv: 2 }))).toBe('unsupported_format');
  });

  it('that lacks an attribute, or holds another type, is damaged', () => {
    for (const name of Object.keys(newHead(1))) {
      const { [name]: _, ...rest } = newHead(1);
      expect(
        codeOf(() => parseHead(rest)),
        name,
      ).toBe('storage_corrupt');
      expect(
        codeOf(() => parseHead({ ...rest, [name]: 'text' })),
        name,
      ).toBe('storage_corrupt');
    }
    for (const state of [[], [1, 2, 3], [1, 2, 3, 0x80], [1, 2, 3, 4, 5]])
      expect(codeOf(() => parseHead({ ...newHead(1), pm: { x: Uint8Array.from(state), 'x@': 0 } }).producers.all())).toBe('storage_corrupt');
    expect(codeOf(() => parseHead({ ...newHead(1), pm: { x: Uint8Array.from([1, 2, 3, 4]) } }).producers.get('x'))).toBe('storage_corrupt');
    expect(codeOf(() => parseHead({ ...newHead(1), cr: [new Uint8Array(3)], ci: [new Uint8Array(16)] }))).toBe('storage_corrupt');
  });
});
