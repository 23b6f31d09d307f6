// Reading sealed runs.

import { partitionKey, runRange, runSortKey, type TopicId } from '../log/keys.ts';
import { parseRun, type Run } from '../log/seal.ts';
import type { Broker } from './broker.ts';

/** The run that holds the offset; undefined: none does (yet, or any more: read the head again). Cost: one query of one item. */
export async function runHolding(broker: Broker, topicId: TopicId, partition: number, offset: number): Promise<Run | undefined> {
  const pk = partitionKey(topicId, partition);
  const { items } = await broker.ledger.scan({ pk, from: runRange.first, to: runSortKey(offset), descending: true, limit: 1, strong: true });
  const found = items[0];
  if (found === undefined) return undefined;
  const run = parseRun(found.sk, found.item);
  return offset < run.nextOffset ? run : undefined;
}
