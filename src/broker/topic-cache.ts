// Names to topics, remembered for a moment. A topic that was deleted or grown meanwhile shows itself by a
// refused write or a missing head, and is then read again.

import { topicKey, topicNameKey } from '../log/keys.ts';
import { checkTopicName, parseTopic, type Topic } from '../log/topic.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Clock } from '../ports/world.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';

export type TopicCache = {
  /**
   * The topic of that name. `fresh` reads it again.
   * @throws WadiError topic_not_found, invalid_topic_name
   */
  resolve(name: string, options?: { readonly fresh?: boolean }): Promise<Topic>;
  forget(name: string): void;
};

export function createTopicCache({ ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock }): TopicCache {
  const known = new Map<string, { readonly topic: Topic; readonly atMs: number }>();
  return {
    async resolve(name, { fresh = false } = {}) {
      const hit = known.get(name);
      if (hit !== undefined && !fresh && clock.monotonicMs() - hit.atMs < limits.topicCacheMs) return hit.topic;
      known.delete(name);
      const topic = await readTopicByName(ledger, name);
      if (topic?.state !== 'live') throw topicNotFound(name);
      if (known.size >= limits.maxTopicCacheEntries) known.clear();
      known.set(name, { topic, atMs: clock.monotonicMs() });
      return topic;
    },
    forget(name) {
      known.delete(name);
    },
  };
}

/** The topic that the name leads to, in whatever state. Cost: two reads. */
export async function readTopicByName(ledger: Ledger, name: string): Promise<Topic | undefined> {
  checkTopicName(name);
  const [entry] = await ledger.read([topicNameKey(name)], { strong: true });
  const id = entry?.['u'];
  return typeof id === 'string' ? readTopic(ledger, id) : undefined;
}

export async function readTopic(ledger: Ledger, id: string): Promise<Topic | undefined> {
  const [item] = await ledger.read([topicKey(id)], { strong: true });
  return item === undefined ? undefined : parseTopic(id, item);
}

export const topicNotFound = (name: string): WadiError => new WadiError('topic_not_found', `There is no topic "${name}". Create it with PUT /v1/topics/${name}.`);

/**
 * The topic, checked against the id that a reader holds and for the partition.
 * @throws WadiError topic_not_found, topic_recreated, partition_not_found
 */
export async function resolvePartition(topics: TopicCache, name: string, partition: number, topicId?: string): Promise<Topic> {
  let topic = await topics.resolve(name);
  // What does not fit may only be new: a topic made again, or grown, since it was remembered.
  if (partition >= topic.partitions || (topicId !== undefined && topicId !== topic.id)) topic = await topics.resolve(name, { fresh: true });
  checkTopicId(topic, topicId);
  if (partition >= topic.partitions) {
    throw new WadiError('partition_not_found', `Topic "${name}" has ${topic.partitions} partitions, numbered from 0.`, { partitions: topic.partitions });
  }
  return topic;
}

/** @throws WadiError topic_recreated */
export function checkTopicId(topic: Topic, topicId: string | undefined): void {
  if (topicId !== undefined && topicId !== topic.id) {
    throw new WadiError('topic_recreated', `Topic "${topic.name}" was deleted and made again. Its offsets begin anew: read from=earliest.`, { topicId: topic.id });
  }
}
