// A cursor comes back as it was given, and anything else is refused by name at a bounded cost.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from '../../src/log/cursor.ts';
import { topicIdOf } from '../../src/log/keys.ts';
import { WadiError } from '../../src/record/errors.ts';

const anyCursor = fc.record({
  topicId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(topicIdOf),
  offsets: fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 256 }),
  first: fc.nat(255),
});

it('round trip, safe in a URL', () => {
  fc.assert(
    fc.property(anyCursor, (cursor) => {
      const text = encodeCursor(cursor);
      expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(decodeCursor(text)).toEqual(cursor);
    }),
  );
});

it('what no answer gave is refused by name', () => {
  const refuse = (text: string) => {
    try {
      const cursor = decodeCursor(text);
      expect(encodeCursor(cursor)).toBe(text);
    } catch (error) {
      expect(error).toBeInstanceOf(WadiError);
      expect((error as WadiError).code).toBe('invalid_cursor');
    }
  };
  fc.assert(fc.property(fc.string(), refuse));
  fc.assert(
    fc.property(anyCursor, fc.nat(), fc.nat(63), (cursor, at, letter) => {
      const text = encodeCursor(cursor);
      const i = at % text.length;
      refuse(`${text.slice(0, i)}${'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[letter]}${text.slice(i + 1)}`);
      refuse(text.slice(0, i));
    }),
  );
  for (const text of ['', 'A', 'x'.repeat(5000)]) expect(() => decodeCursor(text)).toThrow(WadiError);
});
