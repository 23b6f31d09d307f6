// Admission to a hot head (docs/PROTOCOL.md, 2.12). Where the ledger takes only so many writes of one item, writers that
// all send at once make the head longer, its writes dearer and their rate lower. So each lane paces its commits by
// what the answers show of everybody's. All of it is a hint: no guard of the log depends on it.

import type { Head } from '../log/head.ts';
import { type Clock, type Random, sleep } from '../ports/world.ts';
import { limits } from '../record/limits.ts';

/** How fast one lane may commit. */
export type Pace = {
  /** How long the next commit is to wait; 0: it may begin. */
  waitMs(): number;
  /** A commit begins now. */
  begin(): void;
  /** The image that an own commit answered. */
  see(head: Head): void;
  /** The head was seen crowded. */
  yield(): void;
  /** Whether the head moves on so fast that what was seen of it when an upload began is too old when that ends. */
  hasty(): boolean;
  /** Whether a head that was seen so long ago may be crowded by now. */
  mayBeCrowded(head: Head, ageMs: number): boolean;
};

/** Commits a second of one lane: at first, at least, and so many that there is no pace any more. */
const firstRate = 4;
const lowestRate = 0.25;
const unpacedRate = 25;
/** What draws all lanes of a head to the same rate. */
const drift = 0.06;
/** Of the write units of an item: how many commits a second all lanes together aim at. */
const targetShare = 0.42;
/** Commits a second of everybody from which on the window of a head may pass during an upload. */
const hastyRate = 50;
/** A hasty head is looked at so often during an upload. */
export const lookEveryMs = 20;
/** Rates are measured over at least this. */
const sampleMs = 50;

/** Beyond these sizes of `current` the pace is cut, and cut by more. */
const hotSize = 2 * limits.tailCommits;
const hottestSize = 3 * limits.tailCommits;

/** Whether the head takes no append before it is rotated. */
export const isCrowded = (head: Head): boolean => head.current.length > hotSize && !head.deleting;

/** @param itemWriteUnitsPerSecond of the ledger */
export function createPace({ clock, random }: { readonly clock: Clock; readonly random: Random }, itemWriteUnitsPerSecond: number): Pace {
  const target = targetShare * itemWriteUnitsPerSecond;
  let rate = firstRate;
  let slowStart = true;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let everybody = 0;
  let sample: { readonly atMs: number; readonly commits: number } | undefined;

  /** Of all writers of the head, a second, since the last sample. */
  function rateOfAll(head: Head, nowMs: number): number | undefined {
    if (sample === undefined || nowMs <= sample.atMs) return undefined;
    return (Math.max(1, head.commits - sample.commits) * 1000) / (nowMs - sample.atMs);
  }

  function factor(size: number, all: number | undefined): number {
    if (size > hottestSize) return 0.5;
    if (size > hotSize) return 0.75;
    if (all === undefined) return 1;
    if (slowStart) return 2;
    return Math.sqrt(Math.min(1.2, Math.max(0.5, target / all)));
  }

  return {
    waitMs: () => Math.max(0, notBeforeMs - clock.monotonicMs()),
    begin() {
      const everyMs = rate >= unpacedRate ? 0 : 1000 / rate;
      notBeforeMs = clock.monotonicMs() + everyMs * (0.75 + 0.5 * random.fraction());
    },
    see(head) {
      const nowMs = clock.monotonicMs();
      const size = head.current.length;
      if (sample !== undefined && nowMs - sample.atMs <= sampleMs && size <= hotSize) return;
      const all = rateOfAll(head, nowMs);
      everybody = all ?? everybody;
      if (sample !== undefined && ((all !== undefined && all > target) || size > hotSize)) slowStart = false;
      const by = factor(size, all);
      rate = Math.min(unpacedRate, Math.max(lowestRate, rate * by + (by < 1 || !slowStart ? drift : 0)));
      sample = { atMs: nowMs, commits: head.commits };
    },
    hasty: () => everybody > hastyRate,
    mayBeCrowded: (head, ageMs) => head.current.length + (everybody * ageMs) / 1000 > hotSize,
    yield() {
      slowStart = false;
      rate = Math.max(lowestRate, rate * 0.7);
    },
  };
}

/** Before a crowded head is looked at again: so that those who wait for it do not come back together. */
export function pauseBeforeLook(world: { readonly clock: Clock; readonly random: Random }, looks: number): Promise<void> {
  return sleep(world.clock, 30 + world.random.fraction() * Math.min(800, 50 * 2 ** looks));
}

/** Whether one who waits for a crowded head is to rotate it: the one elected may have died. The longer it waits, the likelier. */
export const helpsToRotate = (random: Random, looks: number): boolean => looks >= 20 || (looks > 0 && random.fraction() < (looks < 10 ? 0.03 : 0.25));
