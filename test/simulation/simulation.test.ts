// A glimpse of the simulator in the fast suite; the long runs are `npm run simulate`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runSeed } from './run-seed.ts';
import type { Scenario } from './shrink.ts';

const scenarios = readdirSync(join(import.meta.dirname, 'scenarios'));

// What was cut out of a failing seed: with its fault planted each of them fails (npm run simulate:planted).
test.each(scenarios)('the scenario %s breaks no promise', async (file) => {
  const { seed, cuts } = JSON.parse(readFileSync(join(import.meta.dirname, 'scenarios', file), 'utf8')) as Scenario;
  const { findings, counts } = await runSeed(seed, { cuts });
  expect(findings).toEqual([]);
  expect(counts.acknowledged).toBeGreaterThan(0);
});

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
