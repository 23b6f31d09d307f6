// Delete a topic. When the request is answered nothing more can be appended and the name is free; what is left
// to remove is removed afterwards, by whoever comes to it (run-work.ts). Payloads stay until the compactor
// collects their epoch: they may hold records of other topics.

import { headKey, manifestKey, partitionKey, partitionOfRegistry, registryKey, registryOf, runRange, spilledProducersKey, type TopicId } from '../log/keys.ts';
import type { Topic } from '../log/topic.ts';
import { planBeginDelete, planCloseHead, planTombstone, planUnname } from '../log/topic-writes.ts';
import type { Key } from '../log/write.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';
import { withSome } from './failures.ts';
import { readTopic, readTopicByName, topicNotFound } from './topic-cache.ts';
import { partitionChannel, topicChannel } from './wait.ts';

const pageSize = 100;

/**
 * Cost: for n partitions n + 5 writes.
 * @throws WadiError topic_not_found; StoreFailure
 */
export async function deleteTopic(broker: Broker, name: string): Promise<TopicId> {
  const topic = await readTopicByName(broker.ledger, name);
  broker.topics.forget(name);
  if (topic === undefined || topic.state === 'creating' || topic.state === 'deleted') throw topicNotFound(name);
  await beginDelete(broker, topic);
  return topic.id;
}

/**
 * All that must be done before the deletion is answered. May be repeated, by anybody.
 * @returns false where the topic was in another state by then: it is left as it stands
 */
export async function beginDelete(broker: Broker, topic: Topic): Promise<boolean> {
  if (topic.state === 'deleted') return false;
  if (topic.state !== 'deleting') {
    const begun = await broker.ledger.writeAll(planBeginDelete(topic.id, topic.state, broker.clock.nowMs()));
    if (!begun.applied && (await readTopic(broker.ledger, topic.id))?.state !== 'deleting') return false;
  }
  await withSome(() => closeAndUnname(broker, topic));
  return true;
}

/** From here on no head takes an append, and the name is free. */
async function closeAndUnname(broker: Broker, topic: Topic): Promise<void> {
  const partitions = await partitionsOf(broker, topic.id);
  await Promise.all(partitions.map((partition) => broker.ledger.write(planCloseHead(topic.id, partition))));
  await broker.ledger.write(planUnname(topic));
  for (const partition of partitions) broker.wakeups.notify(partitionChannel(topic.id, partition));
  broker.wakeups.notify(topicChannel(topic.id));
}

/**
 * Removes what a deleted topic left, but for a tombstone in place of the topic's own item. May be repeated, by anybody.
 * @param stopped asked before each page; answers false where it ended the work early
 */
export async function clearAway(broker: Broker, topic: Topic, stopped: () => boolean = () => false): Promise<boolean> {
  const topicId = topic.id;
  for (const partition of await partitionsOf(broker, topicId)) {
    if (!(await removeRange(broker, stopped, partitionKey(topicId, partition), runRange.first, runRange.last))) return false;
    if (!(await removeRange(broker, stopped, spilledProducersKey(topicId, partition)))) return false;
    await remove(broker, [manifestKey(topicId, partition), headKey(topicId, partition)]);
    await remove(broker, [registryKey(topicId, partition)]);
  }
  await broker.ledger.write(planTombstone(topic));
  return true;
}

/** All that have a head, also those of a grow that did not come to its end. */
async function partitionsOf(broker: Broker, topicId: TopicId): Promise<number[]> {
  const { items } = await broker.ledger.scan({ ...registryOf(topicId), limit: limits.maxPartitions, strong: true });
  return items.map(({ sk }) => partitionOfRegistry(sk));
}

async function removeRange(broker: Broker, stopped: () => boolean, pk: string, from?: string, to?: string): Promise<boolean> {
  for (;;) {
    if (stopped()) return false;
    const page = await broker.ledger.scan({ pk, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), limit: pageSize, strong: true });
    await remove(
      broker,
      page.items.map(({ sk }) => ({ pk, sk })),
    );
    if (!page.more) return true;
  }
}

async function remove(broker: Broker, keys: readonly Key[]): Promise<void> {
  await Promise.all(keys.map((key) => broker.ledger.write({ key, action: 'delete', guards: [] })));
}
