// What kind of world a seed makes: how many brokers, how hostile the network is, which way payloads go.

import type { SeededRandom } from '../support/random.ts';

export type Profile = {
  readonly brokers: number;
  readonly inlineMaxBytes: number;
  /** Scales the rates of all faults of the network. */
  readonly hostility: number;
  /** How slow the network is on the whole. */
  readonly hopScale: number;
  /** Mean time between outages of a store; infinity: none. */
  readonly outageEveryMs: number;
  /** Mean time between crashes of brokers; infinity: none. */
  readonly crashEveryMs: number;
  readonly partitions: number;
  /** How long clients are active. */
  readonly activeMs: number;
  /** Clocks of processes may be off by as much as this, and jump. */
  readonly clockErrorMs: number;
};

const day = 86_400_000;

export function drawProfile(random: SeededRandom): Profile {
  return {
    brokers: random.pick([1, 2, 2, 3, 3, 4]),
    inlineMaxBytes: random.pick([0, 700, 1_000_000]),
    hostility: random.pick([0, 0.5, 1, 1, 2, 3, 6]),
    hopScale: random.pick([0.3, 1, 1, 1, 4, 20]),
    outageEveryMs: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 20_000, 60_000]),
    crashEveryMs: random.pick([Number.POSITIVE_INFINITY, 30_000, 10_000, 4_000]),
    partitions: random.pick([1, 1, 2]),
    activeMs: random.pick([8_000, 30_000, 90_000, 240_000]),
    clockErrorMs: random.pick([0, 1_000, day]),
  };
}
