// A glimpse of the simulator in the fast suite; the long runs are `npm run simulate`.

import { expect, test } from 'vitest';
import { runSeed } from './run-seed.ts';

test('I1 to I4, I6, I7: six seeds break no promise', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const { findings, counts } = await runSeed(seed);
    expect(findings, `npm run simulate -- --seed ${seed} --trace`).toEqual([]);
    expect(counts.acknowledged).toBeGreaterThan(0);
  }
});

test('the same seed gives the same trace, another seed another', async () => {
  const hashes = new Set<string>();
  for (const seed of [2, 5, 7]) {
    const [one, other] = [await runSeed(seed), await runSeed(seed)];
    expect(other.hash).toBe(one.hash);
    hashes.add(one.hash);
  }
  expect(hashes.size).toBe(3);
});
