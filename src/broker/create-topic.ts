// Create a topic, or grow one. Heads come first, the name last: nobody can see a topic that is not whole.

import { topicIdOf } from '../log/keys.ts';
import { changeConfig, checkPartitionCount, checkTopicName, defaultConfig, sameConfig, type Topic } from '../log/topic.ts';
import { headAt, headsTogether, planBeginCreate, planHeads, planName } from '../log/topic-writes.ts';
import { WadiError } from '../record/errors.ts';
import type { Broker } from './broker.ts';
import { backoff } from './deadline.ts';
import { beginDelete, clearAway } from './delete-topic.ts';
import { readEpochs } from './epochs.ts';
import { readTopic, readTopicByName } from './topic-cache.ts';

/** A maker that takes longer than this is taken for dead, and what it made is cleared away. */
const abandonedAfterMs = 3_600_000;
const maxTries = 8;

export type CreateTopicRequest = { readonly name: string; readonly partitions?: number | undefined; readonly config?: Readonly<Record<string, unknown>> | undefined };

/**
 * Answers the topic and whether it was this request that made it; one that stands with the same settings will do.
 * Cost: for n partitions 3n + 7 writes in transactions of at most a hundred.
 * @throws WadiError invalid_topic_name, invalid_partitions, invalid_config, topic_exists; StoreFailure
 */
export async function createTopic(broker: Broker, request: CreateTopicRequest): Promise<{ created: boolean; topic: Topic }> {
  const { name, partitions = 1 } = request;
  checkTopicName(name);
  checkPartitionCount(partitions);
  const config = changeConfig(defaultConfig, request.config ?? {});
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const standing = await readTopicByName(broker.ledger, name);
    if (standing?.state === 'live') {
      if (standing.partitions !== partitions || !sameConfig(standing.config, config)) throw topicExists(standing);
      return { created: false, topic: standing };
    }
    // A deletion that did not come to its end holds the name: help it on.
    if (standing !== undefined) await beginDelete(broker, standing);
    const topic: Topic = { id: topicIdOf(broker.random.bytes(16)), name, state: 'creating', partitions, config, configVersion: 1 };
    if (await make(broker, topic)) {
      broker.topics.forget(name);
      return { created: true, topic: { ...topic, state: 'live' } };
    }
    await backoff(broker, attempt);
  }
  throw changedMeanwhile(name);
}

/** Answers false where somebody else took the name; what was made is then cleared away. */
async function make(broker: Broker, topic: Topic): Promise<boolean> {
  const abandonedAtMs = broker.clock.nowMs() + abandonedAfterMs;
  await broker.ledger.writeAll(planBeginCreate(topic, abandonedAtMs));
  const hasHeads = await makeHeads(broker, topic, 0, topic.partitions);
  if (hasHeads) {
    // An answer that was lost is settled by the topic's own state, which only this write makes live.
    const named = await broker.ledger.writeAll(planName(topic, abandonedAtMs));
    if (named.applied || (await readTopic(broker.ledger, topic.id))?.state === 'live') return true;
  }
  if (await beginDelete(broker, topic)) await clearAway(broker, topic);
  return false;
}

/** Heads for partitions [from, to) of a topic. Answers false where the topic is not in that state any more. */
export async function makeHeads(broker: Broker, topic: Topic, from: number, to: number): Promise<boolean> {
  const together = headsTogether(broker.ledger.limits.maxWritesTogether);
  let missing = Array.from({ length: to - from }, (_, i) => from + i);
  let lowestOpenEpoch = await readEpochs(broker);
  for (let attempt = 0; missing.length > 0; ) {
    const next = missing.slice(0, together);
    const outcome = await broker.ledger.writeAll(planHeads(topic.id, topic.state, next, lowestOpenEpoch));
    if (outcome.applied) {
      missing = missing.slice(next.length);
      continue;
    }
    if (outcome.outcomes[1]?.applied !== true) return false;
    // A head that stands was made by a grow that was refused, or goes on beside this one: it holds nothing yet.
    const standing = next.filter((_, i) => outcome.outcomes[headAt(i)]?.applied !== true);
    missing = missing.filter((partition) => !standing.includes(partition));
    if (standing.length > 0) continue;
    if (++attempt >= maxTries) throw changedMeanwhile(topic.name);
    await backoff(broker, attempt);
    lowestOpenEpoch = await readEpochs(broker);
  }
  return true;
}

const topicExists = (topic: Topic): WadiError =>
  new WadiError('topic_exists', `Topic "${topic.name}" stands with other settings. Change them with PATCH /v1/topics/${topic.name}, or send the settings that it has.`, {
    topicId: topic.id,
    partitions: topic.partitions,
  });

export const changedMeanwhile = (name: string): WadiError => new WadiError('topic_changed', `Topic "${name}" was changed by other requests at the same time. Send the request again.`);
