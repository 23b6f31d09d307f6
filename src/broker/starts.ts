// Where logs begin, as it was read last. A start only rises, so an old one leads a reader at worst to what was deleted
// meanwhile, and that is not there: the head and the start are then read again.

import type { Clock } from '../ports/world.ts';
import { limits } from '../record/limits.ts';

export type StartCache = {
  get(partitionKey: string): number | undefined;
  remember(partitionKey: string, startOffset: number): void;
};

/** @param maxAgeMs not given: nothing is remembered */
export function createStartCache(clock: Clock, maxAgeMs: number | undefined): StartCache {
  const known = new Map<string, { readonly startOffset: number; readonly atMs: number }>();
  return {
    get(partitionKey) {
      const hit = known.get(partitionKey);
      return hit === undefined || clock.monotonicMs() - hit.atMs > (maxAgeMs ?? 0) ? undefined : hit.startOffset;
    },
    remember(partitionKey, startOffset) {
      if (maxAgeMs === undefined) return;
      if (known.size >= limits.maxPartitionCacheEntries) known.clear();
      known.set(partitionKey, { startOffset, atMs: clock.monotonicMs() });
    },
  };
}
