// Random numbers from a seed, for scripts whose choices must be repeatable.

export type SeededRandom = {
  /** In [0, 1). */
  next(): number;
  /** An integer from `low` up to and including `high`. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Another generator, so that parts of a program do not disturb each other's choices. */
  fork(name: string): SeededRandom;
};

/** mulberry32: small, fast, good enough for tests. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new Error('nothing to pick from');
      return items[between(0, items.length - 1)] as T;
    },
    fork: (name) => seededRandom([...name].reduce((hash, character) => Math.imul(hash ^ character.charCodeAt(0), 0x01000193), seed ^ 0x811c9dc5)),
  };
}
