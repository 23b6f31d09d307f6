// The append: one conditional write on the head that gives a commit's records their offsets, and the meaning
// of its refusal (docs/PROTOCOL.md, 2.1, 2.2a). Pure: the broker sends what is planned here and asks what next.

import { limits } from '../record/limits.ts';
import { encodeProducer, encodeRef, formatVersion, type Ref } from './format.ts';
import { type Head, offsetEntry, type PlacedRef, placeWindow } from './head.ts';
import { payloadKey } from './keys.ts';
import { follows, judgeBatch, lastSequenceOf, lists, type Producer, type ProducerStates, type Verdict } from './producers.ts';
import { absent, add, append, type Change, copy, equals, type Guard, type Key, lacks, ordered, set, sized, type Write } from './write.ts';

/** What one request adds to one partition: whole record batches, together or not at all. */
export type CommitEntry = {
  /** In the payload. */
  readonly position: number;
  readonly length: number;
  readonly count: number;
  readonly maxTimestamp: number;
  /** Append only if the partition ends here. Such an entry stands first in its commit, alone of its kind. */
  readonly expectedOffset?: number;
  /** Several of one producer in a commit follow each other. */
  readonly producer?: Producer;
};

export type Commit<Entry extends CommitEntry = CommitEntry> = {
  readonly head: Key;
  /** Commit id and name of the payload. A payload has at most one successful commit in a partition. */
  readonly id: Uint8Array;
  readonly epoch: number;
  readonly inline: boolean;
  /** In the order of their positions. */
  readonly entries: readonly Entry[];
};

/**
 * The append of those entries of a commit that are still to be sent.
 * @param pin a next offset that the head had before the commit was first sent, or one raised by `afterRefusal`:
 * the commit stands nowhere below it. A head that no longer lists all commits from the pin on refuses, so a
 * send that is late, however late, can never land a second time.
 * @param states of all producers among the entries, as they were found at the pin or after; each entry was judged by them
 */
export function planAppend(commit: Commit, entries: readonly CommitEntry[], pin: number, states: ProducerStates): Write {
  const refs = refsOf(commit, entries);
  const guards: Guard[] = [ordered('gm', '<=', commit.epoch), ordered('wb', '<=', pin), lacks('ci', commit.id), lacks('pi', commit.id), sized('ci', '<', limits.maxTailCommits), absent('dl')];
  const changes: Change[] = [
    append(
      'ci',
      refs.map(() => commit.id),
    ),
    append('cr', refs.map(encodeRef)),
    add('nx', countOf(entries)),
    add('cn', 1),
  ];
  for (const { expectedOffset } of entries) if (expectedOffset !== undefined) guards.push(equals('nx', expectedOffset));
  const last = lastOfProducers(entries);
  let within = 0;
  for (const entry of entries) {
    const { producer, count } = entry;
    if (producer !== undefined && last.get(producer.name) === entry) {
      const { name, epoch } = producer;
      const found = states.get(name);
      guards.push(lists(name, found?.listed === true ? found.state : undefined));
      // The offset is the head's own, whatever was appended since it was seen.
      changes.push(set(['pm', name], encodeProducer({ epoch, lastSequence: lastSequenceOf(producer, count), count, within })), copy(['pm', offsetEntry(name)], 'nx'));
    }
    within += count;
  }
  return { key: commit.head, action: 'update', guards, changes };
}

/** Of each producer: its last batch among the entries. */
function lastOfProducers(entries: readonly CommitEntry[]): Map<string, CommitEntry> {
  const last = new Map<string, CommitEntry>();
  for (const entry of entries) if (entry.producer !== undefined) last.set(entry.producer.name, entry);
  return last;
}

/** A payload in the ledger. Without a condition: nobody else puts bytes under this name. */
export function planPayload({ id, epoch }: Pick<Commit, 'id' | 'epoch'>, bytes: Uint8Array): Write {
  return { key: payloadKey(epoch, id), action: 'put', guards: [], item: { fv: formatVersion, b: bytes } };
}

/** A ref for each maximal run of entries that lie side by side in the payload. */
function refsOf(commit: Commit, entries: readonly CommitEntry[]): Ref[] {
  const refs: Ref[] = [];
  for (const entry of entries) {
    const last = refs.at(-1);
    if (last !== undefined && last.position + last.length === entry.position) {
      refs[refs.length - 1] = {
        ...last,
        length: last.length + entry.length,
        count: last.count + entry.count,
        maxTimestamp: Math.max(last.maxTimestamp, entry.maxTimestamp),
      };
    } else {
      refs.push({ id: commit.id, epoch: commit.epoch, inline: commit.inline, position: entry.position, length: entry.length, count: entry.count, maxTimestamp: entry.maxTimestamp });
    }
  }
  return refs;
}

export const countOf = (entries: readonly CommitEntry[]): number => entries.reduce((sum, entry) => sum + entry.count, 0);

/** An entry that stands, and where. */
export type Landed<Entry extends CommitEntry = CommitEntry> = { readonly entry: Entry; readonly baseOffset: number };

/** Entries that one write gave the offsets from `baseOffset` on. */
export function placeEntries<Entry extends CommitEntry>(entries: readonly Entry[], baseOffset: number): Landed<Entry>[] {
  let next = baseOffset;
  return entries.map((entry) => {
    const landed = { entry, baseOffset: next };
    next += entry.count;
    return landed;
  });
}

/** Which entries of the commit the refs prove to stand: those whose bytes a ref with the commit's id covers. */
export function landedIn<Entry extends CommitEntry>(commit: Commit<Entry>, placed: readonly PlacedRef[]): Landed<Entry>[] {
  return placed
    .filter(({ ref }) => sameId(ref.id, commit.id))
    .flatMap(({ baseOffset, ref }) => {
      const covered = commit.entries.filter((entry) => entry.position >= ref.position && entry.position < ref.position + ref.length);
      return placeEntries(covered, baseOffset);
    });
}

export type AfterRefusal<Entry extends CommitEntry = CommitEntry> =
  /** An earlier send landed: these stand, the others of the commit never will. */
  | { readonly next: 'acknowledge'; readonly landed: readonly Landed<Entry>[] }
  /** The head no longer lists all that was committed since the pin: runs [pin, windowBase) must be searched. */
  | { readonly next: 'search'; readonly windowBase: number; readonly pin: number }
  /** Never landed and never will: the payload's epoch is closed. Upload again under the current one, with a new id. */
  | { readonly next: 'reupload' }
  /** Never landed and never will. */
  | { readonly next: 'topicGone' }
  /** `current` is full: help to rotate, then send again. */
  | { readonly next: 'rotate'; readonly pin: number }
  /** Never landed so far: send it again, under the same id, but for entries that `leftOut` names by now. */
  | { readonly next: 'send'; readonly pin: number };

/**
 * What a refusal means, from the old image that came with it. The order of the questions matters (PROTOCOL 2.1,
 * step 4): whether the commit stands is asked before anything else, so a retry is never refused for what its
 * own earlier send did.
 */
export function afterRefusal<Entry extends CommitEntry>(commit: Commit<Entry>, pin: number, old: Head | undefined): AfterRefusal<Entry> {
  if (old === undefined) return { next: 'topicGone' };
  const landed = landedIn(commit, placeWindow(old));
  if (landed.length > 0) return { next: 'acknowledge', landed };
  if (old.windowBase > pin) return { next: 'search', windowBase: old.windowBase, pin: old.nextOffset };
  if (old.lowestEpoch > commit.epoch) return { next: 'reupload' };
  if (old.deleting) return { next: 'topicGone' };
  if (old.current.length >= limits.maxTailCommits) return { next: 'rotate', pin: old.nextOffset };
  return { next: 'send', pin: old.nextOffset };
}

/** An entry that is not to be sent, and why: its producer says so, or the partition ends elsewhere than it expects. */
export type LeftOut<Entry extends CommitEntry = CommitEntry> = { readonly entry: Entry; readonly why: Exclude<Verdict, { is: 'next' }> | { readonly is: 'mismatch'; readonly nextOffset: number } };

/**
 * Which of the entries are not to be sent (again), by what was found of the head while no send had landed. A repeat
 * is no mismatch: whether it stands is asked first.
 */
export function leftOut<Entry extends CommitEntry>(entries: readonly Entry[], nextOffset: number, states: ProducerStates): LeftOut<Entry>[] {
  const last = new Map<string, Entry>();
  return entries.flatMap((entry): LeftOut<Entry>[] => {
    const { producer, expectedOffset } = entry;
    if (producer !== undefined) {
      const before = last.get(producer.name);
      if (before?.producer === undefined || !follows(producer, before.producer, before.count)) {
        const verdict = judgeBatch(states.get(producer.name)?.state, producer, entry.count);
        if (verdict.is !== 'next') return [{ entry, why: verdict }];
      }
    }
    if (expectedOffset !== undefined && expectedOffset !== nextOffset) return [{ entry, why: { is: 'mismatch', nextOffset } }];
    if (producer !== undefined) last.set(producer.name, entry);
    return [];
  });
}

export function sameId(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return false;
  return true;
}
