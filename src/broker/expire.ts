// Items that have a time to live: what is known of producers that have long sent nothing, and idempotency keys
// (docs/PROTOCOL.md, 2.4). Where the store does not remove them by itself, this does. Nothing depends on when: an item
// that is there is valid.

import { ordered } from '../log/write.ts';
import type { Broker } from './broker.ts';

const pageSize = 100;

/**
 * Removes what has expired, page by page; answers how many items there were.
 * @param stopped asked before each page
 * @throws StoreFailure
 */
export async function removeExpired({ ledger, clock }: Broker, stopped: () => boolean = () => false): Promise<number> {
  const atS = Math.floor(clock.nowMs() / 1000);
  let removed = 0;
  while (!stopped()) {
    const keys = (await ledger.expired?.(atS, pageSize)) ?? [];
    // One that was written anew meanwhile has a new time to live.
    await Promise.all(keys.map((key) => ledger.write({ key, action: 'delete', guards: [ordered('ttl', '<=', atS)] })));
    removed += keys.length;
    if (keys.length < pageSize) return removed;
  }
  return removed;
}
