// Cuts a failing run down to a short one that fails alike: fewer actors, deeds, kinds of faults, and single faults,
// in a smaller and calmer world. What is left is a scenario: data that runs again (scenarios/), and a story to read.

import type { FaultName } from './faults.ts';
import { never, type Profile } from './profile.ts';
import { fromRanges, toRanges } from './ranges.ts';
import { actorNames, type Run, runSeed } from './run-seed.ts';
import type { Cuts } from './world.ts';

export type Scenario = {
  readonly seed: number;
  /** The promise that it once broke. */
  readonly rule: string;
  readonly cuts: Cuts;
};

export const maxRuns = 3_000;

/** Each makes the world simpler; in the order in which they are tried. */
const simpler: readonly ((profile: Profile) => Partial<Profile> | undefined)[] = [
  ({ crashEveryMs }) => (crashEveryMs < never ? { crashEveryMs: never } : undefined),
  ({ outageEveryMs }) => (outageEveryMs < never ? { outageEveryMs: never } : undefined),
  ({ clockErrorMs }) => (clockErrorMs > 0 ? { clockErrorMs: 0 } : undefined),
  ({ maxHoldMs }) => (maxHoldMs > 0 ? { maxHoldMs: 0 } : undefined),
  ({ itemWriteUnitsPerSecond }) => (itemWriteUnitsPerSecond > 0 ? { itemWriteUnitsPerSecond: 0 } : undefined),
  ({ partitions }) => (partitions > 1 ? { partitions: 1 } : undefined),
  ({ brokers }) => (brokers > 1 ? { brokers: 1 } : undefined),
  ({ brokers }) => (brokers > 2 ? { brokers: 2 } : undefined),
  ({ hopScale }) => (hopScale === 1 ? undefined : { hopScale: 1 }),
  ({ activeMs }) => (activeMs > 8_000 ? { activeMs: 8_000, longPauseMs: 1_300 } : undefined),
  ({ activeMs }) => (activeMs > 30_000 ? { activeMs: 30_000, longPauseMs: 5_000 } : undefined),
];

/** undefined: the seed does not fail. `onTry` is told of each run. */
export async function shrink(seed: number, onTry: (runs: number, cuts: Cuts) => void): Promise<Scenario | undefined> {
  let runs = 0;
  const attempt = async (cuts: Cuts): Promise<Run> => {
    onTry(++runs, cuts);
    return runSeed(seed, { cuts });
  };
  const first = await attempt({});
  const rule = first.findings[0]?.rule;
  if (rule === undefined) return undefined;
  let best: { readonly cuts: Cuts; readonly run: Run } = { cuts: {}, run: first };

  async function keeps(cuts: Cuts): Promise<boolean> {
    if (runs >= maxRuns) return false;
    const run = await attempt(cuts);
    if (!run.findings.some((finding) => finding.rule === rule)) return false;
    best = { cuts, run };
    return true;
  }

  for (let before = -1; before !== sizeOf(best.cuts) && runs < maxRuns; ) {
    before = sizeOf(best.cuts);
    for (const name of actorNames) if (best.cuts.actors?.includes(name) !== true) await keeps({ ...best.cuts, actors: [...(best.cuts.actors ?? []), name] });
    for (const deeds of [1, 2, 4, 8, 16, 32]) if (deeds < (best.cuts.deeds ?? Number.POSITIVE_INFINITY) && (await keeps({ ...best.cuts, deeds }))) break;
    for (const step of simpler) {
      const change = step(best.run.profile);
      if (change !== undefined) await keeps({ ...best.cuts, profile: { ...best.cuts.profile, ...change } });
    }
    for (const [name, rate] of Object.entries(best.run.profile.rates)) {
      if (rate > 0) await keeps({ ...best.cuts, profile: { ...best.cuts.profile, rates: { ...best.run.profile.rates, [name as FaultName]: 0 } } });
    }
    await cutSingle('requests');
    await cutSingle('faults');
  }
  return { seed, rule, cuts: best.cuts };

  /** Leaves out single ones: large parts first, then smaller ones. */
  async function cutSingle(what: 'faults' | 'requests'): Promise<void> {
    const count = (): number => (what === 'faults' ? best.run.strikes : best.run.requests);
    for (let size = Math.max(1, count() >> 1); runs < maxRuns; size = size >> 1) {
      for (let from = 1; from <= count(); from += size) {
        const known = fromRanges(best.cuts[what]);
        const more = Array.from({ length: size }, (_, i) => from + i).filter((number) => number <= count() && !known.has(number));
        if (more.length > 0) await keeps({ ...best.cuts, [what]: toRanges([...known, ...more]) });
      }
      if (size === 1) return;
    }
  }
}

const sizeOf = (cuts: Cuts): number => JSON.stringify(cuts).length;

/** What happens in the scenario, as lines to read. */
export async function tellStory({ seed, cuts }: Scenario): Promise<string[]> {
  const lines: string[] = [];
  const { findings } = await runSeed(seed, { cuts, print: (line) => lines.push(line) });
  const story = lines.filter((line) => /( begins| ends: | dies| stops| has stopped| is up|outage of|\[[^\]]*; \d+\])/.test(line) && !/ (last-|auditor|audit |first creates|last work)/.test(line));
  return [...story.map((line) => line.slice(0, 220)), ...findings.slice(0, 3).map(({ rule, detail }) => `${rule}: ${detail.slice(0, 300)}`)];
}
