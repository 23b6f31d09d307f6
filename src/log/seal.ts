// Sealing: `previous` is copied to a run of its own, then `current` takes its place (docs/PROTOCOL.md, 2.3).
// `previous` cannot change while the rotation number stands, so everyone who seals writes the same bytes and
// any number may try at once; a late or repeated step is refused or harmless.

import { limits } from '../record/limits.ts';
import { addToTotals, decodeTotals, encodeRef, encodeTotals, formatVersion, type Ref, reader, type Totals } from './format.ts';
import { type Head, idsOf, parseRefs } from './head.ts';
import { baseOffsetOfRun, runKey, type TopicId } from './keys.ts';
import { type Evictable, eviction } from './producers.ts';
import { absent, add, copy, equals, type Item, type Key, set, type Write } from './write.ts';

/**
 * Whether the writer whose append added so many refs, and batches of so many producers, is the one that rotates. Each
 * size of `current` is reached by one append, so exactly one writer is elected at each threshold. The first comes
 * earlier where the last rotation came late: `previous` shows by how much. Besides, who takes the head to where the next
 * append would be dear rotates, so that producers cost nothing: this may elect two, or none, which is as good.
 * @param unitBytes by which the ledger counts what a write costs; undefined: it does not
 */
export function isElected(head: Head, added: { readonly refs: number; readonly producers: number }, unitBytes?: number): boolean {
  const soft = limits.tailCommits;
  const first = Math.max(fewest, soft - Math.ceil(Math.max(0, head.previous.length - soft) / 2));
  const size = head.current.length;
  if (size >= first && Math.floor((size - first) / soft) > Math.floor((size - added.refs - first) / soft)) return true;
  if (unitBytes === undefined || size < fewest || size >= soft) return false;
  const bytes = bytesOf(head) + bytesPerRef;
  const before = bytes - added.refs * bytesPerRef - added.producers * mostBytesPerProducer;
  return bytes > unitBytes && before <= unitBytes;
}

/** Of `current`, to rotate for. */
const fewest = 3;

/** What a head takes as DynamoDB counts it: keys, names and numbers, roughly; an id and a ref; a producer's two entries. */
const bytesOfRest = 132;
const bytesPerRef = 40;
const mostBytesPerProducer = 46;

const bytesOf = ({ previous, current, producers }: Head): number => bytesOfRest + (previous.length + current.length) * bytesPerRef + producers.bytes();

/** The run that `previous` becomes; undefined where it is empty. */
export function planSeal(topicId: TopicId, partition: number, head: Head): Write | undefined {
  if (head.previous.length === 0) return undefined;
  const key = runKey(topicId, partition, head.windowBase);
  const item: Item = { fv: formatVersion, nx: head.currentBase, i: idsOf(head.previous), r: head.previous.map(encodeRef), tl: encodeTotals(addToTotals(head.totals, head.previous)) };
  return { key, action: 'put', guards: [absent('nx')], item };
}

/**
 * To be sent only after the seal was answered, whether it was applied or refused: refused means that the run stands.
 * @param leaving producers that are spilled, and evictable at the base of `current`; where one has appended meanwhile the rotation is refused
 */
export function planRotate(headKey: Key, head: Head, leaving: readonly Evictable[] = []): Write {
  const { guards, changes } = eviction(leaving);
  return {
    key: headKey,
    action: 'update',
    guards: [equals('g', head.rotation), ...guards],
    changes: [
      copy('pi', 'ci'),
      copy('pr', 'cr'),
      copy('wb', 'cb'),
      copy('cb', 'nx'),
      set('ci', []),
      set('cr', []),
      set('tl', encodeTotals(addToTotals(head.totals, head.previous))),
      add('g', 1),
      ...changes,
    ],
  };
}

/** A sealed run. */
export type Run = {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly refs: readonly Ref[];
  /** Of all records below `nextOffset`. */
  readonly totals: Totals;
};

export function parseRun(sk: string, item: Item): Run {
  const read = reader(item, `The sealed run ${sk}`);
  return {
    baseOffset: baseOffsetOfRun(sk),
    nextOffset: read.number('nx'),
    refs: parseRefs(read.bytesList('i'), read.bytesList('r')),
    totals: decodeTotals(read.bytes('tl')),
  };
}
