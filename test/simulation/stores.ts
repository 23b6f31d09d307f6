// The durable state that all brokers share: the ledger and the object store, in memory. It outlives every
// process. The network (network.ts) decides when a call comes. Writes that go together hold their items for a while,
// as DynamoDB's transactions do: what else would write them meanwhile is refused.

import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import type { Item, Key, Write } from '../../src/log/write.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import type { SeededRandom } from '../support/random.ts';
import type { Timeline } from './timeline.ts';

export type Stores = {
  readonly ledger: Ledger;
  readonly objects: ObjectStore;
  /** What a read that is not strong may answer: the items as they stood at most `lagMs` ago. */
  readStale(keys: readonly Key[], lagMs: number): Promise<(Item | undefined)[]>;
  /** Names of the sealed runs that were put when their topic was being deleted or gone: see checkers/stored.ts. */
  lateRuns(): Promise<ReadonlySet<string>>;
  /** Everything in the ledger, for the last check. */
  dump(): Promise<{ readonly key: Key; readonly item: Item }[]>;
};

const historyMs = 2_000;

export type StoresOptions = {
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  /** How long writes together hold their items at most; 0: they are decided at once. */
  readonly maxHoldMs: number;
  /** Whether writes together tell the new images. */
  readonly tellsImages: boolean;
  readonly onLockMet: () => void;
};

export function createStores({ timeline, random, maxHoldMs, tellsImages, onLockMet }: StoresOptions): Stores {
  const nowMs = timeline.now;
  const held = new Set<string>();
  const inner = memoryLedger();
  const partitions = new Set<string>();
  const changes: { readonly atMs: number; readonly name: string; readonly before: Promise<(Item | undefined)[]> }[] = [];

  const late: Promise<string | undefined>[] = [];

  function note(write: Write): void {
    partitions.add(write.key.pk);
    if (write.action === 'put' && write.key.sk.startsWith('I#')) late.push(nameIfLate(write.key));
    while (changes[0] !== undefined && changes[0].atMs < nowMs() - historyMs) changes.shift();
    changes.push({ atMs: nowMs(), name: nameOf(write.key), before: inner.read([write.key], { strong: true }) });
  }

  async function nameIfLate(key: Key): Promise<string | undefined> {
    const [topic] = await inner.read([{ pk: `TU#${key.pk.slice(2, 24)}`, sk: 'T' }], { strong: true });
    return topic === undefined || topic['st'] === 'deleting' || topic['st'] === 'deleted' ? nameOf(key) : undefined;
  }

  const ledger: Ledger = {
    ...inner,
    async write(write) {
      refuseHeld([write]);
      note(write);
      return inner.write(write);
    },
    async writeAll(writes) {
      refuseHeld(writes);
      if (maxHoldMs > 0) {
        for (const { key } of writes) held.add(nameOf(key));
        await timeline.sleep(1 + random.next() * maxHoldMs);
        for (const { key } of writes) held.delete(nameOf(key));
      }
      for (const write of writes) note(write);
      const outcome = await inner.writeAll(writes);
      return outcome.applied && !tellsImages ? { applied: true, items: undefined } : outcome;
    },
  };

  function refuseHeld(writes: readonly Write[]): void {
    if (!writes.some(({ key }) => held.has(nameOf(key)))) return;
    onLockMet();
    throw new StoreFailure('conflict', 'none', 'simulated: a transaction holds the item');
  }

  return {
    ledger,
    objects: memoryObjectStore(nowMs),
    async readStale(keys, lagMs) {
      const since = nowMs() - lagMs;
      return Promise.all(
        keys.map(async (key) => {
          const undone = changes.find(({ atMs, name }) => atMs > since && name === nameOf(key));
          return (await (undone?.before ?? inner.read([key], { strong: true })))[0];
        }),
      );
    },
    lateRuns: async () => new Set((await Promise.all(late)).filter((name) => name !== undefined)),
    async dump() {
      const pages = await Promise.all([...partitions].sort().map(async (pk) => ({ pk, page: await inner.scan({ pk, limit: Number.MAX_SAFE_INTEGER, strong: true }) })));
      return pages.flatMap(({ pk, page }) => page.items.map(({ sk, item }) => ({ key: { pk, sk }, item })));
    },
  };
}

export const nameOf = ({ pk, sk }: Key): string => `${pk}\0${sk}`;
