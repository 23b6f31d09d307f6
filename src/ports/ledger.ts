// The ledger: a store of items with conditional writes, the only place where order is decided. Narrow on
// purpose: it knows items, guards and changes, and nothing of topics or offsets.

import type { Item, Key, Write, WriteOutcome } from '../log/write.ts';

export type ScanRange = {
  readonly pk: string;
  /** First sort key, inclusive; default: the lowest. */
  readonly from?: string;
  /** Last sort key, inclusive; default: the highest. */
  readonly to?: string;
  readonly descending?: boolean;
  /** At most this many items. */
  readonly limit: number;
  readonly strong: boolean;
};

export type ScanPage = {
  readonly items: readonly { readonly sk: string; readonly item: Item }[];
  /** Whether the range holds more; the next page starts beyond the last sort key. */
  readonly more: boolean;
};

/**
 * All applied (with the new images where the store tells them), or nothing written: then an outcome for each
 * write, at least one of them refused, with its old image; a write that would have been applied alone says so
 * with `applied: true`, though it was not.
 */
export type WriteAllOutcome = { readonly applied: true; readonly items: readonly (Item | undefined)[] | undefined } | { readonly applied: false; readonly outcomes: readonly WriteOutcome[] };

/**
 * Every call may throw a StoreFailure; a write is sent once and never retried by the adapter. The bytes in a write must
 * stay as they are until the call has answered, and nobody writes into the images of an outcome.
 */
export interface Ledger {
  readonly limits: {
    /** Largest item, key included, in the store's own count. */
    readonly maxItemBytes: number;
    /** Most writes in one writeAll; their keys must differ. */
    readonly maxWritesTogether: number;
    /** What a write costs is counted in units of so many bytes of the item; undefined: its size does not matter. */
    readonly writeUnitBytes?: number;
    /** What it takes of writes on one item, in units of a KiB each; undefined: no such limit. Appends are admitted by it (PROTOCOL 2.12). */
    readonly itemWriteUnitsPerSecond?: number;
  };
  /** In the order of the keys, undefined where there is none; bytes in them are the caller's to write in. A strong read sees every write answered before it. */
  read(keys: readonly Key[], options: { readonly strong: boolean }): Promise<(Item | undefined)[]>;
  scan(range: ScanRange): Promise<ScanPage>;
  /**
   * Keys of items whose attribute `ttl`, in seconds since 1970, has passed at a time; some of them, those first that have
   * expired first. Absent where the store removes them by itself (src/broker/expire.ts).
   */
  expired?(atS: number, limit: number): Promise<readonly Key[]>;
  /** Durable when it answers. */
  write(write: Write): Promise<WriteOutcome>;
  /** Durable when it answers. */
  writeAll(writes: readonly Write[]): Promise<WriteAllOutcome>;
}
