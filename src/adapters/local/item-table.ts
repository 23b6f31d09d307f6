// The items that the process knows without asking SQLite: those changed since the last checkpoint, which SQLite does
// not have yet, and beside them a bounded number of others that were used lately. What stands here is durable.

import type { Item, Key } from '../../log/write.ts';
import type { Place } from './item-codec.ts';

const mib = 1024 * 1024;
const maxCleanEntries = 4096;
const maxCleanItemBytes = 64 * 1024;
const maxCleanBytes = 16 * mib;
/** What an entry takes besides its bytes, roughly. */
const entryBytes = 400;

/** An item's bytes, or where in the journal they lie; undefined: there is no such item. */
export type Stored = Uint8Array | Place | undefined;

export type Entry = {
  readonly key: Key;
  readonly stored: Stored;
  /** Decoded, where somebody had it decoded. Shared: nobody writes into it. */
  item: Item | undefined;
  /** The group that changed it; 0: SQLite has it as it is. */
  changedBy: number;
  /** From when on, in seconds since 1970, the item may be removed; told only where SQLite does not have it yet. */
  readonly ttl?: number | undefined;
};

export type ItemTable = {
  get(key: Key): Entry | undefined;
  /** Replaces what is known of the item. */
  set(entry: Entry): void;
  /** Those of `pk` from `from` to `to`, both inclusive, in order of their sort keys. */
  range(pk: string, from: string, to: string): Entry[];
  /** All that SQLite does not have. */
  changed(): Iterable<Entry>;
  /** SQLite has all that groups up to `sequence` changed. */
  saved(sequence: number): void;
  /** Of the entries that SQLite does not have. */
  readonly changedCount: number;
  readonly changedBytes: number;
};

export function createItemTable(): ItemTable {
  const partitions = new Map<string, Map<string, Entry>>();
  const changed = new Set<Entry>();
  /** Least recently used first. */
  const clean = new Set<Entry>();
  let changedBytes = 0;
  let cleanBytes = 0;

  function forget(entry: Entry): void {
    if (clean.delete(entry)) cleanBytes -= bytesOf(entry);
    else if (changed.delete(entry)) changedBytes -= bytesOf(entry);
  }

  function drop(entry: Entry): void {
    forget(entry);
    const partition = partitions.get(entry.key.pk);
    partition?.delete(entry.key.sk);
    if (partition?.size === 0) partitions.delete(entry.key.pk);
  }

  function keepClean(entry: Entry): void {
    clean.add(entry);
    cleanBytes += bytesOf(entry);
    for (const oldest of clean) {
      if (clean.size <= maxCleanEntries && cleanBytes <= maxCleanBytes) return;
      drop(oldest);
    }
  }

  function set(entry: Entry): void {
    const { pk, sk } = entry.key;
    const partition = partitions.get(pk) ?? new Map<string, Entry>();
    if (partition.size === 0) partitions.set(pk, partition);
    const before = partition.get(sk);
    if (before !== undefined) forget(before);
    partition.set(sk, entry);
    if (entry.changedBy > 0) {
      changed.add(entry);
      changedBytes += bytesOf(entry);
    } else if (worthKeeping(entry)) keepClean(entry);
    else drop(entry);
  }

  return {
    get({ pk, sk }) {
      const entry = partitions.get(pk)?.get(sk);
      if (entry !== undefined && clean.delete(entry)) clean.add(entry);
      return entry;
    },
    set,
    range(pk, from, to) {
      const found = [...(partitions.get(pk)?.values() ?? [])].filter(({ key: { sk } }) => sk >= from && sk <= to);
      return found.sort((a, b) => (a.key.sk < b.key.sk ? -1 : 1));
    },
    changed: () => changed,
    saved(sequence) {
      for (const entry of changed) {
        if (entry.changedBy > sequence) continue;
        if (!worthKeeping(entry)) drop(entry);
        else {
          forget(entry);
          entry.changedBy = 0;
          keepClean(entry);
        }
      }
    },
    get changedCount() {
      return changed.size;
    },
    get changedBytes() {
      return changedBytes;
    },
  };
}

/** Not payloads, which nobody asks this table for again, nor what is gone. */
function worthKeeping({ stored, item }: Entry): boolean {
  if (stored === undefined) return false;
  return stored instanceof Uint8Array ? stored.length <= maxCleanItemBytes : item !== undefined && stored.bytes <= maxCleanItemBytes;
}

function bytesOf({ stored, item }: Entry): number {
  if (stored === undefined) return entryBytes;
  // A short view may keep a longer buffer.
  if (stored instanceof Uint8Array) return entryBytes + stored.buffer.byteLength;
  return item === undefined ? entryBytes : entryBytes + stored.bytes;
}
