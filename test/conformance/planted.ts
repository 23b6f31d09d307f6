// Deliberately wrong ledgers. The suite must find each of them, or it proves nothing.

import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import type { Change, Guard, Value, Write } from '../../src/log/write.ts';
import { exists } from '../../src/log/write.ts';
import type { Ledger } from '../../src/ports/ledger.ts';

export const plantedLedgers: Readonly<Record<string, () => Ledger>> = {
  'not contains fails where there is no list': () => rewriting((write) => ({ ...write, guards: write.guards.flatMap(lackingNeedsList) })),
  '< is taken for <=': () => rewriting((write) => ({ ...write, guards: write.guards.map(orEqual) })),
  'the first of two alternatives decides': () => rewriting((write) => ({ ...write, guards: write.guards.map((guard) => ('any' in guard ? { any: guard.any.slice(0, 1) } : guard)) })),
  'startThenAdd starts without adding': () => rewriting((write) => (write.action === 'update' ? { ...write, changes: write.changes.map(withoutFirstAddition) } : write)),
  'an empty list is lost': () => rewriting((write) => (write.action === 'put' ? { ...write, item: Object.fromEntries(Object.entries(write.item).filter(([, value]) => !isEmptyList(value))) } : write)),
  'an update makes no item': () =>
    rewriting((write) =>
      write.action === 'update' ? { ...write, guards: [...write.guards, { any: [exists('nx'), exists('wb'), exists('name'), exists('id'), exists('ci'), exists('cr')] }] } : write,
    ),
  'a refused writeAll leaves its first write': () => {
    const ledger = memoryLedger();
    return {
      ...ledger,
      async writeAll(writes) {
        const outcome = await ledger.writeAll(writes);
        if (!outcome.applied && writes[0] !== undefined) await ledger.write(writes[0]);
        return outcome;
      },
    };
  },
  'a refusal shows no old image': () => {
    const ledger = memoryLedger();
    return {
      ...ledger,
      async write(write) {
        const outcome = await ledger.write(write);
        return outcome.applied ? outcome : { applied: false, item: undefined };
      },
    };
  },
  'a scan forgets its upper bound': () => {
    const ledger = memoryLedger();
    return { ...ledger, scan: ({ to: _, ...range }) => ledger.scan(range) };
  },
  'a scan never says more': () => {
    const ledger = memoryLedger();
    return { ...ledger, scan: async (range) => ({ ...(await ledger.scan(range)), more: false }) };
  },
  'calls in flight change places': () => {
    const ledger = memoryLedger();
    let waiting: Promise<unknown> | undefined;
    return {
      ...ledger,
      async write(write) {
        // Every other call waits for a turn of the event loop.
        waiting = waiting === undefined ? new Promise((resolve) => setImmediate(resolve)) : undefined;
        await waiting;
        return ledger.write(write);
      },
    };
  },
};

function rewriting(rewrite: (write: Write) => Write): Ledger {
  const ledger = memoryLedger();
  return { ...ledger, write: (write) => ledger.write(rewrite(write)), writeAll: (writes) => ledger.writeAll(writes.map(rewrite)) };
}

function lackingNeedsList(guard: Guard): Guard[] {
  return 'test' in guard && guard.test === 'contains' && guard.not === true ? [guard, exists(guard.path)] : [guard];
}

function orEqual(guard: Guard): Guard {
  return 'test' in guard && guard.test === 'order' && guard.order === '<' ? { ...guard, order: '<=' } : guard;
}

function withoutFirstAddition(change: Change): Change {
  return change.change === 'startThenAdd' ? { ...change, start: change.start - change.by } : change;
}

function isEmptyList(value: Value): boolean {
  return Array.isArray(value) && value.length === 0;
}
