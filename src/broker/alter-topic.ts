// Change a topic: more partitions, other settings.

import { changeConfig, checkPartitionCount, parseTopic, sameConfig, type Topic } from '../log/topic.ts';
import { planConfig, planGrow } from '../log/topic-writes.ts';
import { WadiError } from '../record/errors.ts';
import type { Broker } from './broker.ts';
import { changedMeanwhile, makeHeads } from './create-topic.ts';
import { backoff } from './deadline.ts';
import { withSome } from './failures.ts';

const maxTries = 8;

export type AlterTopicRequest = { readonly name: string; readonly partitions?: number | undefined; readonly config?: Readonly<Record<string, unknown>> | undefined };

/**
 * Answers the topic as it stands now, and how many partitions it had. Everything is checked before anything is
 * written; settings are written before partitions.
 * @throws WadiError topic_not_found, invalid_partitions, invalid_config, topic_changed; StoreFailure
 */
export async function alterTopic(broker: Broker, { name, partitions, config }: AlterTopicRequest): Promise<{ topic: Topic; partitionsBefore: number }> {
  const before = await broker.topics.resolve(name, { fresh: true });
  if (partitions !== undefined) checkGrowth(before, partitions);
  changeConfig(before.config, config ?? {});
  broker.topics.forget(name);
  const changed = config === undefined ? before : await changeSettings(broker, before, config);
  const growing = () => (partitions === undefined ? Promise.resolve(changed) : grow(broker, changed, partitions));
  const topic = changed === before ? await growing() : await withSome(growing);
  broker.topics.forget(name);
  return { topic, partitionsBefore: before.partitions };
}

function checkGrowth(topic: Topic, partitions: number): void {
  checkPartitionCount(partitions);
  if (partitions < topic.partitions) {
    throw new WadiError('invalid_partitions', `Topic "${topic.name}" has ${topic.partitions} partitions, and partitions can only be added.`, { partitions: topic.partitions });
  }
}

async function changeSettings(broker: Broker, from: Topic, changes: Readonly<Record<string, unknown>>): Promise<Topic> {
  let topic = from;
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const config = changeConfig(topic.config, changes);
    if (sameConfig(config, topic.config)) return topic;
    const outcome = await broker.ledger.write(planConfig(topic, config));
    if (outcome.applied) return { ...topic, config, configVersion: topic.configVersion + 1 };
    topic = await again(broker, topic, attempt);
  }
  throw changedMeanwhile(topic.name);
}

async function grow(broker: Broker, from: Topic, partitions: number): Promise<Topic> {
  let topic = from;
  for (let attempt = 0; attempt < maxTries; attempt++) {
    checkGrowth(topic, partitions);
    if (partitions === topic.partitions) return topic;
    if (await makeHeads(broker, topic, topic.partitions, partitions)) {
      const outcome = await broker.ledger.write(planGrow(topic, partitions));
      if (outcome.applied && outcome.item !== undefined) return parseTopic(topic.id, outcome.item);
    }
    topic = await again(broker, topic, attempt);
  }
  throw changedMeanwhile(topic.name);
}

async function again(broker: Broker, topic: Topic, attempt: number): Promise<Topic> {
  await backoff(broker, attempt);
  return broker.topics.resolve(topic.name, { fresh: true });
}
