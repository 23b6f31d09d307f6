// The partition head: the one item whose conditional writes give records their offsets. It lists the newest
// commits in two buffers, `previous` and `current`; everything older lies in sealed runs. Base offsets are
// prefix sums from the window base and never stored, so they cannot be anything but dense (I1).

import { addToTotals, damagedProducer, decodeProducer, decodeRef, decodeTotals, encodeTotals, formatVersion, noTotals, type ProducerState, type Ref, reader, type Totals } from './format.ts';
import { maxKnownNames } from './keys.ts';
import type { Item, Value } from './write.ts';

export type Head = {
  /** Counts rotations; fixes `previous`. */
  readonly rotation: number;
  /** Offset of the first record of `previous`: the head still lists every commit from here on. */
  readonly windowBase: number;
  /** Offset of the first record of `current`. */
  readonly currentBase: number;
  readonly nextOffset: number;
  readonly previous: readonly Ref[];
  readonly current: readonly Ref[];
  /** Each that has appended within the window, and some from before. */
  readonly producers: Producers;
  /** Commits whose payload was made in an older upload epoch are refused. */
  readonly lowestEpoch: number;
  /** Of all records below the window base. */
  readonly totals: Totals;
  readonly commits: number;
  readonly deleting: boolean;
};

export function newHead(lowestEpoch: number): Item {
  return { fv: formatVersion, g: 0, wb: 0, cb: 0, nx: 0, pi: [], pr: [], ci: [], cr: [], pm: {}, gm: lowestEpoch, tl: encodeTotals(noTotals), cn: 0 };
}

export function parseHead(item: Item): Head {
  const read = reader(item, 'A partition head');
  return {
    rotation: read.number('g'),
    windowBase: read.number('wb'),
    currentBase: read.number('cb'),
    nextOffset: read.number('nx'),
    previous: parseRefs(read.bytesList('pi'), read.bytesList('pr')),
    current: parseRefs(read.bytesList('ci'), read.bytesList('cr')),
    producers: parseProducers(read.map('pm')),
    lowestEpoch: read.number('gm'),
    totals: decodeTotals(read.bytes('tl')),
    commits: read.number('cn'),
    deleting: read.has('dl'),
  };
}

/** The entry of `pm` in which a producer's commit offset stands, beside that of its name. */
export function offsetEntry(name: string): string {
  const known = offsetEntries.get(name);
  if (known !== undefined) return known;
  const entry = `${name}${offsetMark}`;
  if (offsetEntries.size >= maxKnownNames) offsetEntries.clear();
  offsetEntries.set(name, entry);
  return entry;
}

/** As in keys.ts. */
const offsetEntries = new Map<string, string>();

const offsetMark = '@';

/** The producers of a head by name, decoded as they are asked for: most are not, and every commit makes a new head. */
type Producers = {
  /** @throws WadiError storage_corrupt */
  get(name: string): ProducerState | undefined;
  /** @throws WadiError storage_corrupt */
  all(): { readonly name: string; readonly state: ProducerState }[];
  /** Without decoding them. @throws WadiError storage_corrupt */
  commitOffsets(): { readonly name: string; readonly commitOffset: number }[];
  /** What they take of the item, as DynamoDB counts it. */
  bytes(): number;
};

/** Damage is found when a producer is asked for. */
function parseProducers(map: { readonly [entry: string]: Value }): Producers {
  const get = (name: string): ProducerState | undefined => {
    const state = map[name];
    if (state === undefined) return undefined;
    if (!(state instanceof Uint8Array)) throw damagedProducer();
    return decodeProducer(state, map[offsetEntry(name)]);
  };
  const names = (): string[] => Object.keys(map).filter((name) => !name.endsWith(offsetMark));
  return {
    get,
    commitOffsets: () =>
      names().map((name) => {
        const commitOffset = map[offsetEntry(name)];
        if (typeof commitOffset !== 'number') throw damagedProducer();
        return { name, commitOffset };
      }),
    bytes: () => Object.entries(map).reduce((sum, [name, value]) => sum + name.length + (value instanceof Uint8Array ? value.length : numberBytes(Number(value))) + 1, 0),
    all: () => names().map((name) => ({ name, state: get(name) as ProducerState })),
  };
}

/** A byte for two digits, and one besides. */
const numberBytes = (number: number): number => Math.ceil((number < 10 ? 1 : Math.floor(Math.log10(number)) + 1) / 2) + 1;

export function parseRefs(ids: readonly Uint8Array[], refs: readonly Uint8Array[]): Ref[] {
  return refs.map((bytes, i) => decodeRef(ids[i] as Uint8Array, bytes));
}

export const idsOf = (refs: readonly Ref[]): Value[] => refs.map((ref) => ref.id);

/** A ref and the offset of its first record. */
export type PlacedRef = { readonly baseOffset: number; readonly ref: Ref };

/** The refs of the window with their base offsets, oldest first. */
export function placeWindow(head: Head): PlacedRef[] {
  return [...placeRefs(head.windowBase, head.previous), ...placeRefs(head.currentBase, head.current)];
}

export function placeRefs(baseOffset: number, refs: readonly Ref[]): PlacedRef[] {
  let next = baseOffset;
  return refs.map((ref) => {
    const placed = { baseOffset: next, ref };
    next += ref.count;
    return placed;
  });
}

/** Of the whole partition. */
export function totalsOf(head: Head): Totals {
  return addToTotals(addToTotals(head.totals, head.previous), head.current);
}
