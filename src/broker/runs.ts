// Reading sealed runs. A run never changes, so those that were read lately are remembered; whoever finds that what a
// run lists is gone forgets them and reads again.

import { partitionKey, runRange, runSortKey, type TopicId } from '../log/keys.ts';
import { lastFrom } from '../log/locate.ts';
import { parseRun, type Run } from '../log/seal.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';

export type RunCache = {
  /** The run that holds the offset, where it is known. */
  holding(partition: string, offset: number): Run | undefined;
  remember(partition: string, run: Run): void;
  forget(partition: string): void;
};

export function createRunCache(maxRuns: number = limits.maxCachedRuns): RunCache {
  /** By partition, the one longest without news first; each list in order of base offsets. */
  const known = new Map<string, Run[]>();
  let count = 0;

  function forget(partition: string): void {
    count -= known.get(partition)?.length ?? 0;
    known.delete(partition);
  }

  return {
    holding(partition, offset) {
      const runs = known.get(partition);
      const run = runs?.[lastFrom(runs, offset)];
      return run !== undefined && offset < run.nextOffset ? run : undefined;
    },
    remember(partition, run) {
      const runs = known.get(partition) ?? [];
      known.delete(partition);
      known.set(partition, runs);
      const at = lastFrom(runs, run.baseOffset);
      if (runs[at]?.baseOffset === run.baseOffset) return;
      runs.splice(at + 1, 0, run);
      count += 1;
      for (const oldest of known.keys()) {
        if (count <= maxRuns) return;
        forget(oldest);
      }
    },
    forget,
  };
}

/** The run that holds the offset; undefined: none does (yet, or any more: read the head again). Cost: one query of one item, unless it is remembered. */
export async function runHolding(broker: Broker, topicId: TopicId, partition: number, offset: number): Promise<Run | undefined> {
  const pk = partitionKey(topicId, partition);
  const known = broker.runs.holding(pk, offset);
  if (known !== undefined) return known;
  const { items } = await broker.ledger.scan({ pk, from: runRange.first, to: runSortKey(offset), descending: true, limit: 1, strong: true });
  const found = items[0];
  if (found === undefined) return undefined;
  const run = parseRun(found.sk, found.item);
  broker.runs.remember(pk, run);
  return offset < run.nextOffset ? run : undefined;
}
