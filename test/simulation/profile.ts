// What kind of world a seed makes. Features and faults are turned on and off by the seed (swarm testing): a run with
// all of them at once rarely comes to where one of them alone leads.

import type { SeededRandom } from '../support/random.ts';
import { type FaultName, faultNames } from './faults.ts';

export type Profile = {
  readonly brokers: number;
  readonly inlineMaxBytes: number;
  readonly inlineTogether: boolean;
  readonly producersStayCommits: number;
  readonly viewMaxAgeMs: number;
  /** undefined: a fetch reads the start of a log each time. */
  readonly startMaxAgeMs: number | undefined;
  /** What the ledger says that it takes of writes on one item; 0: nothing, and then there is no admission. */
  readonly idleTailMs: number | undefined;
  readonly itemWriteUnitsPerSecond: number;
  /** How long writes together hold their items at most. */
  readonly maxHoldMs: number;
  /** Whether writes together tell the new images. */
  readonly tellsImages: boolean;
  /** By fault of a call: its rate; 0: it does not happen. */
  readonly rates: Readonly<Record<FaultName, number>>;
  /** How slow the network is on the whole. */
  readonly hopScale: number;
  /** Mean time between outages of a store. */
  readonly outageEveryMs: number;
  /** Mean time between crashes of brokers. */
  readonly crashEveryMs: number;
  readonly partitions: number;
  /** How long clients are active. */
  readonly activeMs: number;
  /** Now and then a client pauses as long as this at most. */
  readonly longPauseMs: number;
  /** Clocks of processes may be off by as much as this, and jump. */
  readonly clockErrorMs: number;
  /** An actor that is not needed by others lives with this chance. */
  readonly actorChance: number;
};

const day = 86_400_000;

/** Instead of a mean time between happenings: they do not happen. */
export const never = 1e15;

export function drawProfile(random: SeededRandom): Profile {
  const brokers = random.pick([1, 2, 2, 3, 3, 4]);
  const [activeMs, longPauseMs] = random.pick([
    [8_000, 1_300],
    [30_000, 5_000],
    [90_000, 15_000],
    [240_000, 20_000],
    [3 * day, 8 * 3_600_000],
  ] as const);
  return {
    brokers,
    inlineMaxBytes: random.pick([0, 700, 1_000_000]),
    inlineTogether: random.chance(0.6),
    producersStayCommits: random.pick([0, 0, 8, 64]),
    viewMaxAgeMs: random.pick([20, 20, 1_000, brokers === 1 ? Number.POSITIVE_INFINITY : 5_000]),
    idleTailMs: random.fork('tails').pick([undefined, undefined, undefined, 200, 2_000, 30_000]),
    startMaxAgeMs: random.fork('starts').pick([undefined, undefined, 10_000]),
    itemWriteUnitsPerSecond: random.chance(0.25) ? 1_000 : 0,
    maxHoldMs: random.pick([0, 0, 10, 60]),
    tellsImages: random.chance(0.7),
    rates: drawRates(random),
    hopScale: random.pick([0.3, 1, 1, 1, 4, 20]),
    outageEveryMs: random.pick([never, never, 20_000, 60_000]),
    crashEveryMs: random.pick([never, 30_000, 10_000, 4_000]),
    partitions: random.pick([1, 1, 2]),
    activeMs,
    longPauseMs,
    clockErrorMs: random.pick([0, 1_000, day]),
    actorChance: random.pick([1, 1, 0.8, 0.5]),
  };
}

/** None, one alone and often, some of them at rates of their own, or all at once. */
function drawRates(random: SeededRandom): Record<FaultName, number> {
  const kind = random.pick(['none', 'alone', 'alone', 'some', 'some', 'some', 'some', 'all', 'all', 'all']);
  const hostility = random.pick([0.5, 1, 1, 2, 3]);
  const alone = random.pick(faultNames);
  const rateOf = (name: FaultName): number => {
    const draw = random.next();
    if (kind === 'alone') return name === alone ? 10 : 0;
    if (kind === 'some') return draw < 0.5 ? 0 : hostility * (draw < 0.75 ? 1 : 3);
    return kind === 'all' ? hostility : 0;
  };
  return Object.fromEntries(faultNames.map((name) => [name, rateOf(name)])) as Record<FaultName, number>;
}
