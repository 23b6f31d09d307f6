// Randomness of the operating system, drawn in pools since each draw costs a microsecond or more.

import { randomFillSync } from 'node:crypto';
import type { Random } from '../../ports/world.ts';

const poolBytes = 4096;

export function systemRandom(): Random {
  let pool = Buffer.alloc(0);
  let used = 0;

  /** A view that nobody else ever gets; its pool is never filled again. */
  function bytes(count: number): Uint8Array {
    if (count > poolBytes / 4) return randomFillSync(new Uint8Array(count));
    if (used + count > pool.length) {
      pool = randomFillSync(Buffer.allocUnsafeSlow(poolBytes));
      used = 0;
    }
    used += count;
    return new Uint8Array(pool.buffer, used - count, count);
  }

  return {
    bytes,
    fraction() {
      const drawn = bytes(7);
      // 53 bits, as many as a double holds.
      return drawn.reduce((value, byte, i) => value * 256 + (i === 0 ? byte & 31 : byte), 0) / 2 ** 53;
    },
  };
}
