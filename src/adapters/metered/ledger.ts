// A ledger that counts what DynamoDB would charge for the calls to another one, on demand, by its published rules: a write
// takes a unit for each KiB of the larger of the old and the new item, also where its condition refuses it, and twice that
// in a transaction; a strong read takes a unit for each 4 KiB, a weak one half of that.

import type { Item, Key, Write } from '../../log/write.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { itemBytes } from './item-bytes.ts';

export type Units = { writeUnits: number; readUnits: number; writes: number; reads: number };

const kib = 1024;

/** @param counts what is added to */
export function meteredLedger(inner: Ledger, counts: Units): Ledger {
  const sizes = new Map<string, number>();
  const nameOf = ({ pk, sk }: Key): string => `${pk}\0${sk}`;

  function charge({ key, action }: Write, item: Item | undefined, times: 1 | 2): void {
    const before = sizes.get(nameOf(key)) ?? 0;
    const after = item === undefined ? 0 : itemBytes(key, item);
    if (action !== 'check') sizes.set(nameOf(key), after);
    counts.writes++;
    counts.writeUnits += times * Math.max(1, Math.ceil(Math.max(before, after) / kib));
  }

  const readUnits = (bytes: number, strong: boolean): number => Math.max(1, Math.ceil(bytes / (4 * kib))) * (strong ? 1 : 0.5);

  return {
    ...inner,
    async read(keys, options) {
      const items = await inner.read(keys, options);
      counts.reads += keys.length;
      for (const [i, key] of keys.entries()) counts.readUnits += readUnits(items[i] === undefined ? 0 : itemBytes(key, items[i]), options.strong);
      return items;
    },
    async scan(range) {
      const page = await inner.scan(range);
      counts.reads++;
      counts.readUnits += readUnits(
        page.items.reduce((sum, { sk, item }) => sum + itemBytes({ pk: range.pk, sk }, item), 0),
        range.strong,
      );
      return page;
    },
    async write(write) {
      const outcome = await inner.write(write);
      charge(write, outcome.item, 1);
      return outcome;
    },
    async writeAll(writes) {
      const outcome = await inner.writeAll(writes);
      for (const [i, write] of writes.entries()) charge(write, outcome.applied ? outcome.items?.[i] : outcome.outcomes[i]?.item, 2);
      return outcome;
    },
  };
}
