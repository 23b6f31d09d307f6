// What a group of calls does: each (a write, or the writes of a writeAll) is decided by itself and in order against
// the state that the ones before it leave, and nothing is written yet. A refused call changes nothing.

import { applyWrite } from '../../log/apply-write.ts';
import { copyValue } from '../../log/copy-item.ts';
import { type Change, InvalidWrite, type Item, type Key, type Write, type WriteOutcome } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import { type EncodedItem, encodeItem } from './item-codec.ts';

/** A write, and for a put its item's bytes, which were made when the call came. */
export type Received = { readonly write: Write; readonly encoded: EncodedItem | undefined };

export type Answer =
  | { readonly status: 'applied'; readonly items: readonly (Item | undefined)[] }
  | { readonly status: 'refused'; readonly outcomes: readonly WriteOutcome[] }
  /** InvalidWrite, or a StoreFailure of this call alone. */
  | { readonly status: 'failed'; readonly error: Error };

/** An item as a group leaves it. */
export type Changed = { readonly key: Key; readonly item: Item | undefined; readonly encoded: EncodedItem | undefined /** The item is the caller's own. */; readonly ofPut: boolean };

export type Decided = { readonly answers: readonly Answer[]; readonly changes: ReadonlyMap<string, Changed> };

/** @param lookUp the item as it stands before the group; may throw a StoreFailure, which is then the answer of the calls that need the item */
export function decide(calls: readonly (readonly Received[])[], lookUp: (key: Key) => Item | undefined): Decided {
  const changes = new Map<string, Changed>();
  const current = (key: Key): Item | undefined => {
    const changed = changes.get(nameOf(key));
    return changed === undefined ? lookUp(key) : changed.item;
  };

  function decideOne(call: readonly Received[]): Answer {
    const old = call.map(({ write }) => (isBlind(write) ? undefined : current(write.key)));
    const outcomes = call.map(({ write }, i) => applyWrite(old[i], write));
    if (outcomes.some(({ applied }) => !applied)) return { status: 'refused', outcomes: outcomes.map(({ applied }, i) => ({ applied, item: applied ? undefined : old[i] })) };
    const next = call.flatMap(({ write, encoded }, i): Changed[] => {
      const item = outcomes[i]?.item;
      if (write.action === 'check' || (item === undefined && old[i] === undefined)) return [];
      return [{ key: write.key, item, encoded: item && (encoded ?? encodeItem(write.key, item)), ofPut: write.action === 'put' }];
    });
    for (const change of next) changes.set(nameOf(change.key), change);
    return { status: 'applied', items: outcomes.map(({ item }) => item) };
  }

  const answers = calls.map((call): Answer => {
    try {
      return decideOne(call);
    } catch (error) {
      if (error instanceof InvalidWrite || error instanceof StoreFailure) return { status: 'failed', error };
      throw error;
    }
  });
  return { answers, changes };
}

/** A put that asks for nothing need not know what it replaces. */
const isBlind = ({ action, guards }: Write): boolean => action === 'put' && guards.length === 0;

/** One text for each key. */
export function nameOf({ pk, sk }: Key): string {
  return `${pk}\0${sk}`;
}

/** @throws InvalidWrite for keys that are not printable ASCII, and for items that no ledger keeps */
export function receive(writes: readonly Write[]): Received[] {
  return writes.map((write) => {
    const { pk, sk } = write.key;
    if (!printable.test(pk) || !printable.test(sk)) throw new InvalidWrite('a key is not printable ASCII');
    if (write.action === 'put') return { write, encoded: encodeItem(write.key, write.item) };
    return { write: write.action === 'update' ? { ...write, changes: write.changes.map(ownChange) } : write, encoded: undefined };
  });
}

/** What an update leaves in an item is kept and decided on later: it must not be the caller's. */
function ownChange(change: Change): Change {
  if (change.change === 'set' && typeof change.value === 'object') return { ...change, value: copyValue(change.value) };
  if (change.change === 'append') return { ...change, values: change.values.map((value) => copyValue(value)) };
  return change;
}

const printable = /^[ -~]+$/;
