// How often each fault was injected in a run, at what, and how often it changed what the caller was told.

import type { Happening } from './fault-rows.ts';
import type { FaultName, Target } from './faults.ts';

export type Count = { injected: number; changed: number };

/** By fault or happening, then by target ('' for what is no call). */
export type Counts = Record<string, Record<string, Count>>;

export type Tally = {
  readonly counts: Counts;
  injected(what: FaultName | Happening, target?: Target | ''): void;
  changed(what: FaultName | Happening, target?: Target | ''): void;
};

export function createTally(): Tally {
  const counts: Counts = {};
  const at = (what: string, target: string): Count => {
    counts[what] ??= {};
    const ofFault = counts[what];
    ofFault[target] ??= { injected: 0, changed: 0 };
    return ofFault[target];
  };
  return {
    counts,
    injected(what, target = '') {
      at(what, target).injected++;
    },
    changed(what, target = '') {
      at(what, target).changed++;
    },
  };
}

/** Adds `more` to `sum`. */
export function addCounts(sum: Counts, more: Counts): void {
  for (const [what, byTarget] of Object.entries(more)) {
    sum[what] ??= {};
    addByTarget(sum[what], byTarget);
  }
}

export function addByTarget(sum: Record<string, Count>, more: Readonly<Record<string, Count>>): void {
  for (const [target, { injected, changed }] of Object.entries(more)) {
    sum[target] ??= { injected: 0, changed: 0 };
    sum[target].injected += injected;
    sum[target].changed += changed;
  }
}
