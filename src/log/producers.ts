// Idempotent producers (docs/PROTOCOL.md, 2.2 and 2.4): what a partition knows of each decides whether a batch is the
// next one, a repeat, or comes too early or too late. The newest state stands in the head, as long as the head lists its
// commit; later in an item of its own, for a time.

import { sequenceAfter } from '../record/batch-encode.ts';
import { decodeProducer, encodeProducer, formatVersion, type ProducerState, reader } from './format.ts';
import { type Head, offsetEntry } from './head.ts';
import { isKeyedProducer, spilledProducerKey, type TopicId } from './keys.ts';
import { absent, type Change, equals, type Guard, type Item, type Key, ordered, remove, type Write } from './write.ts';

/** What a batch says of its sender. */
export type Producer = {
  readonly name: string;
  readonly epoch: number;
  /** Of the batch's first record. */
  readonly sequence: number;
};

export type Verdict =
  | { readonly is: 'next' }
  /** The newest batch, once more: it stands there. */
  | { readonly is: 'repeat'; readonly baseOffset: number }
  /** All of it stands, somewhere before the newest batch. */
  | { readonly is: 'older' }
  | { readonly is: 'fenced'; readonly epoch: number }
  | { readonly is: 'outOfOrder'; readonly expected: number };

const sequences = 2 ** 31;

export const lastSequenceOf = ({ sequence }: Pick<Producer, 'sequence'>, count: number): number => sequenceAfter(sequence, count - 1);

/**
 * @param state undefined: nothing is known of the producer. Then it begins at sequence 0, as each of its epochs does: a
 * later batch that came first would make a lost one look like a repeat.
 */
export function judgeBatch(state: ProducerState | undefined, producer: Producer, count: number): Verdict {
  const { epoch, sequence } = producer;
  if (state !== undefined && epoch < state.epoch) return { is: 'fenced', epoch: state.epoch };
  if (state === undefined || epoch > state.epoch) return sequence === 0 ? { is: 'next' } : { is: 'outOfOrder', expected: 0 };
  const last = lastSequenceOf(producer, count);
  if (last === state.lastSequence && count === state.count) return { is: 'repeat', baseOffset: baseOffsetOf(state) };
  const expected = sequenceAfter(state.lastSequence, 1);
  if (sequence === expected) return { is: 'next' };
  return behind(last, state.lastSequence) ? { is: 'older' } : { is: 'outOfOrder', expected };
}

/** Sequences run in a circle: of two the one that is less than half of it away lies behind. */
const behind = (sequence: number, newest: number): boolean => (newest - sequence + sequences) % sequences < sequences / 2;

/** Whether one batch follows another of its producer at once. */
export const follows = (producer: Producer, before: Producer, countBefore: number): boolean => producer.epoch === before.epoch && producer.sequence === sequenceAfter(before.sequence, countBefore);

const baseOffsetOf = ({ commitOffset, within }: ProducerState): number => commitOffset + within;

const lastOffsetOf = (state: ProducerState): number => baseOffsetOf(state) + state.count - 1;

/** What was found of producers, by name. */
export type ProducerStates = ReadonlyMap<string, FoundState>;

/** Where the head lists no state it is the spilled one, if there is one. */
export type FoundState = { readonly listed: boolean; readonly state: ProducerState | undefined };

/** That the head lists this of the producer; undefined: nothing. Within the window it does so once, for states only go forward. */
export const lists = (name: string, state: ProducerState | undefined): Guard => (state === undefined ? absent(['pm', name]) : equals(['pm', name], state.encoded ?? encodeProducer(state)));

/** A producer and its state that may leave the head. */
export type Evictable = { readonly name: string; readonly state: ProducerState };

/**
 * The producers whose newest batch the head no longer lists, once its window begins at `windowBase`. Only they may leave:
 * who found a producer absent can then land no batch of its own, for its pin lies below the window (PROTOCOL 2.4).
 */
export function evictable(head: Head, windowBase: number): Evictable[] {
  return before(windowBase, head.producers.all());
}

const before = (windowBase: number, producers: readonly Evictable[]): Evictable[] => producers.filter(({ state }) => lastOffsetOf(state) < windowBase);

/** Where a head has more producers than the first they come and go, and so many stay. */
const [crowd, few] = [16, 8];

/**
 * Those that are to leave with the rotation that makes `current` the older half of the window. Who is likely to come again
 * stays for a while, since to leave and to come back costs a write and a read; an idempotency key hardly ever comes again.
 * @param idleCommits for about how many commits a producer stays without a batch of its own
 */
export function leaving(head: Head, idleCommits: number): Evictable[] {
  const commits = head.previous.length + head.current.length;
  const perCommit = Math.max(1, (head.nextOffset - head.windowBase) / Math.max(1, commits));
  const all = head.producers.commitOffsets();
  if (all.length === 0) return [];
  const newestFirst = all.map(({ commitOffset }) => commitOffset).sort((a, b) => b - a);
  const crowdedFrom = newestFirst.length > crowd ? (newestFirst[few] ?? -1) : -1;
  const windowBase = head.currentBase;
  const idle = all.filter(
    ({ name, commitOffset }) => commitOffset < windowBase && (isKeyedProducer(name) || commitOffset <= crowdedFrom || (head.nextOffset - commitOffset) / perCommit > idleCommits),
  );
  return before(
    windowBase,
    idle.map(({ name }) => ({ name, state: head.producers.get(name) as ProducerState })),
  );
}

/** How long what is known of a producer outlives its place in the head, in seconds; of an idempotency key, which is good for a day: with room for clocks that are a day wrong. */
const spilledTtlS = 7 * 86_400;
export const keyTtlS = 3 * 86_400;

/** To be answered, as applied or as refused, before the producer leaves the head. Refused: what stands is as new. */
export function planSpill(topicId: TopicId, partition: number, { name, state }: Evictable, nowMs: number): Write {
  const { commitOffset } = state;
  const ttl = Math.floor(nowMs / 1000) + (isKeyedProducer(name) ? keyTtlS : spilledTtlS);
  return {
    key: spilledProducerKey(topicId, partition, name),
    action: 'put',
    guards: [{ any: [absent('o'), ordered('o', '<', commitOffset)] }],
    item: { fv: formatVersion, v: encodeProducer(state), o: commitOffset, ttl },
  };
}

export function parseSpilled(name: string, item: Item): ProducerState {
  const read = reader(item, `The spilled producer ${name}`);
  return decodeProducer(read.bytes('v'), read.number('o'));
}

/** What of a write takes spilled producers out of the head; it may be a rotation that moves the window beyond them. */
export function eviction(producers: readonly Evictable[]): { readonly guards: Guard[]; readonly changes: Change[] } {
  return {
    guards: producers.flatMap(({ name, state }) => [lists(name, state), equals(['pm', offsetEntry(name)], state.commitOffset)]),
    changes: producers.flatMap(({ name }) => [remove(['pm', name]), remove(['pm', offsetEntry(name)])]),
  };
}

export function planEvict(head: Key, producers: readonly Evictable[]): Write {
  const { guards, changes } = eviction(producers);
  return { key: head, action: 'update', guards: [ordered('wb', '>', Math.max(...producers.map(({ state }) => lastOffsetOf(state)))), ...guards], changes };
}
