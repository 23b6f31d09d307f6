// The model that ledgers are held to: `applyWrite` over a plain map, and nothing clever.

import { applyWrite } from '../../src/log/apply-write.ts';
import { InvalidWrite, type Item, type Key, type Write, type WriteOutcome } from '../../src/log/write.ts';
import type { ScanPage, ScanRange, WriteAllOutcome } from '../../src/ports/ledger.ts';

export type Model = {
  get(key: Key): Item | undefined;
  /** 'invalid' where the ledger must throw InvalidWrite. */
  write(write: Write): WriteOutcome | 'invalid';
  writeAll(writes: readonly Write[]): WriteAllOutcome | 'invalid';
  scan(range: ScanRange): ScanPage;
};

export function ledgerModel(): Model {
  const items = new Map<string, { readonly key: Key; readonly item: Item }>();
  const name = ({ pk, sk }: Key) => `${pk}\0${sk}`;
  const get = (key: Key) => items.get(name(key))?.item;

  function store(key: Key, item: Item | undefined): void {
    if (item === undefined) items.delete(name(key));
    else items.set(name(key), { key, item });
  }

  function decide(write: Write): WriteOutcome | 'invalid' {
    try {
      return applyWrite(get(write.key), write);
    } catch (error) {
      if (error instanceof InvalidWrite) return 'invalid';
      throw error;
    }
  }

  return {
    get,
    write(write) {
      const outcome = decide(write);
      if (outcome !== 'invalid' && outcome.applied) store(write.key, outcome.item);
      return outcome;
    },
    writeAll(writes) {
      const outcomes: WriteOutcome[] = [];
      for (const write of writes) {
        const outcome = decide(write);
        if (outcome === 'invalid') return 'invalid';
        outcomes.push(outcome);
      }
      if (outcomes.some(({ applied }) => !applied)) {
        return { applied: false, outcomes: outcomes.map((outcome) => (outcome.applied ? { applied: true, item: undefined } : outcome)) };
      }
      for (const [i, { item }] of outcomes.entries()) store((writes[i] as Write).key, item);
      return { applied: true, items: outcomes.map(({ item }) => item) };
    },
    scan({ pk, from, to, descending, limit }) {
      const found = [...items.values()].filter(({ key }) => key.pk === pk && (from === undefined || key.sk >= from) && (to === undefined || key.sk <= to));
      found.sort((a, b) => (a.key.sk < b.key.sk === !descending ? -1 : 1));
      return { items: found.slice(0, limit).map(({ key, item }) => ({ sk: key.sk, item })), more: found.length > limit };
    },
  };
}
