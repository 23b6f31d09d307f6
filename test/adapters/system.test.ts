import { expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/local/system-clock.ts';
import { systemRandom } from '../../src/adapters/local/system-random.ts';
import { sleep } from '../../src/ports/world.ts';
import { child } from './support.ts';

it('the clock runs what is due, not what was cancelled, and not twice', async () => {
  const run: string[] = [];
  systemClock.after(-5, () => run.push('at once'));
  systemClock.after(1, () => run.push('cancelled'))();
  // Beyond 2^31 ms, which setTimeout would take for 1.
  const forget = systemClock.after(2 ** 40, () => run.push('in years'));
  const startMs = systemClock.monotonicMs();
  // Timers of the clock keep nothing alive, so the test waits on one that does.
  await Promise.all([sleep(systemClock, 20), new Promise((resolve) => setTimeout(resolve, 25))]);
  expect(run).toEqual(['at once']);
  forget();
  expect(systemClock.monotonicMs()).toBeGreaterThan(startMs);
});

it('a timer of the clock does not keep the process alive', async () => {
  const waiter = child('waits.ts', []);
  expect(await waiter.line()).toBe('waiting');
  await waiter.ended();
  expect(waiter.process.exitCode).not.toBeNull();
});

it('randomness never hands out the same bytes twice', () => {
  const random = systemRandom();
  const drawn = Array.from({ length: 2000 }, (_, i) => random.bytes([16, 7, 0, 3, 5000][i % 5] as number));
  expect(drawn.every((bytes, i) => bytes.length === [16, 7, 0, 3, 5000][i % 5])).toBe(true);
  const ids = drawn.filter(({ length }) => length === 16);
  expect(new Set(ids.map((id) => Buffer.from(id).toString('hex'))).size).toBe(ids.length);
  const fractions = Array.from({ length: 2000 }, () => random.fraction());
  expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
  expect(fractions.reduce((sum, fraction) => sum + fraction) / 2000).toBeCloseTo(0.5, 1);
});
