// Random choices under one seed, so that a run can be repeated.

export type Chance = {
  /** An integer in [0, below). */
  below(below: number): number;
  /** True this often. */
  odds(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
};

/** mulberry32: small, and good enough to choose test cases. */
export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (bound: number) => Math.floor(fraction() * bound);
  return { below, odds: (probability) => fraction() < probability, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}
