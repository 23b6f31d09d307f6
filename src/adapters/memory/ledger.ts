// The ledger in memory: the pure function over a map. For tests and the simulator; every call takes effect at
// once and whole, before its promise is handed out. Items are copied in and out, so no caller can reach the store.

import { applyWrite } from '../../log/apply-write.ts';
import { copyItem } from '../../log/copy-item.ts';
import { InvalidWrite, type Item, type Key, type Write } from '../../log/write.ts';
import type { Ledger, ScanPage, ScanRange, WriteAllOutcome } from '../../ports/ledger.ts';

const maxWritesTogether = 1000;

export function memoryLedger(): Ledger {
  const partitions = new Map<string, Map<string, Item>>();
  const get = ({ pk, sk }: Key) => partitions.get(pk)?.get(sk);
  /** Keys of items that have one, by when they expire. */
  const ttls = new Map<string, { readonly key: Key; readonly atS: number }>();

  function store({ pk, sk }: Key, item: Item | undefined): void {
    const partition = partitions.get(pk) ?? new Map<string, Item>();
    const atS = item?.['ttl'];
    if (typeof atS === 'number') ttls.set(`${pk}\0${sk}`, { key: { pk, sk }, atS });
    else ttls.delete(`${pk}\0${sk}`);
    if (item === undefined) partition.delete(sk);
    else partition.set(sk, item);
    if (partition.size === 0) partitions.delete(pk);
    else partitions.set(pk, partition);
  }

  return {
    limits: { maxItemBytes: Number.MAX_SAFE_INTEGER, maxWritesTogether },

    async read(keys) {
      return keys.map((key) => copyOf(get(key)));
    },

    async scan(range) {
      return page(partitions.get(range.pk) ?? new Map(), range);
    },

    async expired(nowS, limit) {
      const found = [...ttls.values()].filter(({ atS }) => atS <= nowS);
      return found
        .sort((a, b) => a.atS - b.atS)
        .slice(0, limit)
        .map(({ key }) => key);
    },

    async write(sent) {
      const write = received(sent);
      const old = get(write.key);
      const outcome = applyWrite(old, write);
      if (!outcome.applied) return { applied: false, item: copyOf(old) };
      if (write.action !== 'check') store(write.key, copyOf(outcome.item));
      return { applied: true, item: copyOf(outcome.item) };
    },

    async writeAll(sent): Promise<WriteAllOutcome> {
      const writes = sent.map(received);
      assertTogether(writes);
      const outcomes = writes.map((write) => applyWrite(get(write.key), write));
      const images = outcomes.map(({ item }) => copyOf(item));
      if (outcomes.some(({ applied }) => !applied)) {
        return { applied: false, outcomes: outcomes.map(({ applied }, i) => ({ applied, item: applied ? undefined : images[i] })) };
      }
      writes.forEach(({ key, action }, i) => {
        if (action !== 'check') store(key, copyOf(images[i]));
      });
      return { applied: true, items: images };
    },
  };
}

function copyOf(item: Item | undefined): Item | undefined {
  return item && copyItem(item);
}

function page(partition: ReadonlyMap<string, Item>, { from, to, descending, limit }: ScanRange): ScanPage {
  const found = [...partition.keys()].filter((sk) => (from === undefined || sk >= from) && (to === undefined || sk <= to)).sort();
  if (descending) found.reverse();
  return { items: found.slice(0, limit).map((sk) => ({ sk, item: copyItem(partition.get(sk) as Item) })), more: found.length > limit };
}

/** @throws InvalidWrite for what could not be stored even where a guard refuses it. */
function received(write: Write): Write {
  const { pk, sk } = write.key;
  if (!printable.test(pk) || !printable.test(sk)) throw new InvalidWrite('a key is not printable ASCII');
  return write.action === 'put' ? { ...write, item: copyItem(write.item) } : write;
}

const printable = /^[ -~]+$/;

function assertTogether(writes: readonly Write[]): void {
  if (writes.length > maxWritesTogether) throw new InvalidWrite(`more than ${maxWritesTogether} writes together`);
  if (new Set(writes.map(({ key }) => `${key.pk}\0${key.sk}`)).size < writes.length) throw new InvalidWrite('two writes of a writeAll touch the same item');
}
