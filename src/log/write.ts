// Writes to the ledger as data: a key, guards and changes from two small closed sets. They are all that the
// commit protocol needs, and each has an exact counterpart in DynamoDB's condition and update expressions.
// What a write means is one pure function, `applyWrite`; every ledger agrees with it (test/conformance).

/** Numbers are integers within ±(2^53 - 1). */
export type Value = number | string | Uint8Array | readonly Value[] | { readonly [entry: string]: Value };

/** The attributes of an item, without its key. */
export type Item = { readonly [attribute: string]: Value };

/** `pk` and `sk` are printable ASCII, so that every store sorts them alike (by bytes). */
export type Key = { readonly pk: string; readonly sk: string };

/** An attribute, or one entry of an attribute that is a map. */
export type Path = string | readonly [attribute: string, entry: string];

export type Order = '<' | '<=' | '>' | '>=';

/**
 * One test of the old item. A test of something that is absent, or of another type than it asks for, is
 * false before `not` is applied, so `not contains` holds where there is no list.
 */
export type Check = { readonly not?: boolean } & (
  | { readonly test: 'exists'; readonly path: Path }
  | { readonly test: 'equals'; readonly path: Path; readonly value: Value }
  | { readonly test: 'order'; readonly path: Path; readonly order: Order; readonly value: number | string }
  /** Bytes of a binary, characters of a string, entries of a list or map. */
  | { readonly test: 'size'; readonly path: Path; readonly order: Order; readonly value: number }
  /** Membership in a list. */
  | { readonly test: 'contains'; readonly path: Path; readonly value: Value }
);

/** A check, or alternatives of which one must hold. The guards of a write are joined by AND. */
export type Guard = Check | { readonly any: readonly Check[] };

/** One change. Every right-hand side reads the old item; no two changes of a write may touch the same path. */
export type Change =
  | { readonly change: 'set'; readonly path: Path; readonly value: Value }
  /** The attribute must be there and be a number. */
  | { readonly change: 'add'; readonly path: Path; readonly by: number }
  /** As `add`, but from `start` where there is none. */
  | { readonly change: 'startThenAdd'; readonly path: Path; readonly start: number; readonly by: number }
  /** The attribute must be there and be a list. */
  | { readonly change: 'append'; readonly path: Path; readonly values: readonly Value[] }
  /** Sets `path` to the old value of the attribute `from`, which must be there. */
  | { readonly change: 'copy'; readonly path: Path; readonly from: string }
  | { readonly change: 'remove'; readonly path: Path };

export type Write = {
  readonly key: Key;
  readonly guards: readonly Guard[];
} & (
  | { readonly action: 'put'; readonly item: Item }
  /** Makes the item where there is none (unless a guard forbids it). */
  | { readonly action: 'update'; readonly changes: readonly Change[] }
  | { readonly action: 'delete' }
  /** Writes nothing: a condition that the other writes of a `writeAll` depend on. */
  | { readonly action: 'check' }
);

/** The new item (undefined: there is none now), or on refusal the old one. */
export type WriteOutcome = { readonly applied: true; readonly item: Item | undefined } | { readonly applied: false; readonly item: Item | undefined };

/** A write that no store would take whatever the item: a fault of the caller. */
export class InvalidWrite extends Error {
  override readonly name = 'InvalidWrite';
}

// The vocabulary in which src/log states its conditions.

export const exists = (path: Path): Check => ({ test: 'exists', path });
export const absent = (path: Path): Check => ({ test: 'exists', path, not: true });
export const equals = (path: Path, value: Value): Check => ({ test: 'equals', path, value });
export const ordered = (path: Path, order: Order, value: number | string): Check => ({ test: 'order', path, order, value });
export const sized = (path: Path, order: Order, value: number): Check => ({ test: 'size', path, order, value });
export const lacks = (path: Path, value: Value): Check => ({ test: 'contains', path, value, not: true });

export const set = (path: Path, value: Value): Change => ({ change: 'set', path, value });
export const add = (path: Path, by: number): Change => ({ change: 'add', path, by });
export const append = (path: Path, values: readonly Value[]): Change => ({ change: 'append', path, values });
export const copy = (path: Path, from: string): Change => ({ change: 'copy', path, from });
export const remove = (path: Path): Change => ({ change: 'remove', path });
