// For every partition of a topic: where a place lies, such as the first record at or after a time.

import type { TopicId } from '../log/keys.ts';
import type { Broker } from './broker.ts';
import { gone } from './fetch.ts';
import { findOffset, type Start } from './find-offset.ts';
import { readAllBounds } from './read-log.ts';

export type PartitionOffset = { readonly partition: number; readonly offset: number; readonly startOffset: number; readonly endOffset: number };

/**
 * Cost: two reads for each partition, sent as one, and for a timestamp those of the search in each.
 * @throws WadiError topic_not_found, storage_corrupt; StoreFailure
 */
export async function listOffsets(broker: Broker, name: string, start: Start): Promise<{ topicId: TopicId; offsets: PartitionOffset[] }> {
  const topic = await broker.topics.resolve(name, { fresh: true });
  const bounds = await readAllBounds(
    broker,
    topic.id,
    Array.from({ length: topic.partitions }, (_, partition) => partition),
  );
  const offsets = bounds.map(async (one, partition) => {
    if (one === undefined) throw gone(broker, topic);
    const { startOffset, endOffset } = one;
    return { partition, offset: await findOffset(broker, topic.id, partition, start, one), startOffset, endOffset };
  });
  return { topicId: topic.id, offsets: await Promise.all(offsets) };
}
