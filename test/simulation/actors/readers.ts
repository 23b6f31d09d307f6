// Readers: sessions that follow nextOffset through one partition, sessions that follow the cursor through a topic,
// and readers that look anywhere. Each request may go to another broker.

import { describeTopic } from '../../../src/broker/describe-topic.ts';
import { fetchTopic } from '../../../src/broker/fetch-topic.ts';
import type { Start } from '../../../src/broker/find-offset.ts';
import { listOffsets } from '../../../src/broker/list-offsets.ts';
import type { SeededRandom } from '../../support/random.ts';
import { ask } from '../client.ts';
import { fetchPartition } from '../fetch.ts';
import { epochMs } from '../ports.ts';
import { fleeting, steady } from '../topics.ts';
import type { World } from '../world.ts';
import { type Actor, repeat } from './actor.ts';

const budget = (random: SeededRandom) => ({ maxRecords: random.pick([1, 3, 20, 500]), maxBytes: random.pick([1, 300, 100_000]) });
const someWait = (random: SeededRandom): number => (random.chance(0.5) ? 0 : random.between(1, 3_000));
const patience = (random: SeededRandom): number | undefined => (random.chance(0.95) ? undefined : random.between(1, 500));

const someStart = (world: World, random: SeededRandom): Start =>
  random.pick<() => Start>([
    () => ({ at: 'earliest' }),
    () => ({ at: 'latest' }),
    () => ({ at: 'last', records: random.between(0, 30) }),
    () => ({ at: 'timestamp', timestamp: Math.floor(epochMs + random.next() * (world.timeline.now() + 1_000)) }),
  ])();

/** Follows nextOffset; a new session begins after an error that says so, and now and then without one. */
export const partitionSession: Actor = (world, client, random) => {
  const topic = random.chance(0.8) ? steady : fleeting;
  let session = 0;
  let position: { partition: number; start: Start; topicId: string | undefined } | undefined;
  return repeat(world, random, { times: 60, busyMs: 200 }, async () => {
    if (position === undefined || random.chance(0.03)) {
      session++;
      position = { partition: random.between(0, world.profile.partitions - 1), start: someStart(world, random), topicId: undefined };
    }
    const node = await world.node(random);
    const answer = await fetchPartition(world, node, client, `${client}-${session}`, {
      topic,
      ...position,
      ...budget(random),
      waitMs: someWait(random),
      asBatches: random.chance(0.5),
      limitMs: patience(random),
    });
    if ('value' in answer) position = { ...position, start: { at: 'offset', offset: answer.value.nextOffset }, topicId: answer.value.topicId };
    else if (answer.failure.code === 'offset_out_of_range' && topic === steady)
      world.recorder.finding('I7', `${client} was sent on to an offset that is out of range: ${JSON.stringify({ ...position, ...answer.failure.facts })}`);
    else if (['topic_recreated', 'topic_not_found', 'partition_not_found', 'offset_out_of_range'].includes(answer.failure.code)) position = undefined;
  });
};

/** Any place of the log, also beyond its end; the end of the log as other requests tell it; the first record at a time. */
export const anywhere: Actor = (world, client, random) =>
  repeat(world, random, { times: 40, busyMs: 300 }, async () => {
    const node = await world.node(random);
    const topic = random.chance(0.7) ? steady : fleeting;
    const draw = random.next();
    if (draw < 0.2) return listEnds(world, client, random, topic);
    if (draw < 0.3) return describe(world, client, random, topic);
    const start: Start = random.chance(0.6) ? { at: 'offset', offset: random.between(0, 300) } : someStart(world, random);
    const partition = random.between(0, world.profile.partitions - 1);
    await fetchPartition(world, node, client, `${client}-${world.unique()}`, {
      topic,
      partition,
      start,
      ...budget(random),
      waitMs: random.chance(0.8) ? 0 : someWait(random),
      asBatches: random.chance(0.5),
      limitMs: patience(random),
    });
  });

async function listEnds(world: World, client: string, random: SeededRandom, topic: string): Promise<void> {
  const start = someStart(world, random);
  const began = world.recorder.moment();
  const answer = await ask(world, await world.node(random), `${client} lists offsets of ${topic} ${JSON.stringify(start)}`, (broker) => listOffsets(broker, topic, start));
  if ('failure' in answer) return;
  for (const { partition, offset, startOffset, endOffset } of answer.value.offsets) {
    const place = `${answer.value.topicId}/${partition}`;
    seeEnd(world, client, place, began, startOffset, endOffset);
    if (start.at === 'timestamp') world.recorder.lookUps.push({ partition: place, timestamp: start.timestamp, offset, endOffset });
  }
}

async function describe(world: World, client: string, random: SeededRandom, topic: string): Promise<void> {
  const began = world.recorder.moment();
  const answer = await ask(world, await world.node(random), `${client} describes ${topic}`, (broker) => describeTopic(broker, topic));
  if ('failure' in answer) return;
  for (const { partition, startOffset, endOffset } of answer.value.partitions) seeEnd(world, client, `${answer.value.topic.id}/${partition}`, began, startOffset, endOffset);
}

/** Whoever is told an end of the log has read nothing there. */
function seeEnd(world: World, client: string, partition: string, began: number, startOffset: number, endOffset: number): void {
  world.recorder.read({ client, session: `${client}-${world.unique()}`, partition, from: endOffset, records: [], nextOffset: endOffset, startOffset, endOffset, began });
}

/** Follows the cursor through all partitions of a topic. */
export const cursorSession: Actor = (world, client, random) => {
  const topic = random.chance(0.8) ? steady : fleeting;
  let session = 0;
  let cursor: string | undefined;
  let offsets = new Map<number, number>();
  return repeat(world, random, { times: 45, busyMs: 250 }, async () => {
    if (cursor === undefined || random.chance(0.02)) {
      session++;
      cursor = undefined;
      offsets = new Map();
    }
    const from = cursor === undefined ? { start: { at: random.chance(0.7) ? 'earliest' : 'latest' } as const } : { cursor };
    const began = world.recorder.moment();
    const answer = await ask(
      world,
      await world.node(random),
      `${client} reads ${topic} ${cursor ?? JSON.stringify(from)}`,
      async (broker) => {
        const { topicId, records, partitions, cursor: next } = await fetchTopic(broker, { topic, from, budget: budget(random), waitMs: someWait(random) });
        return { topicId, records, partitions, cursor: next };
      },
      patience(random),
    );
    if ('failure' in answer) {
      if (answer.failure.code === 'offset_out_of_range') world.recorder.finding('I7', `${client}: a cursor leads out of range: ${JSON.stringify(answer.failure.facts)}`);
      if (answer.failure.code === 'topic_recreated' || answer.failure.code === 'topic_not_found') cursor = undefined;
      return;
    }
    const { topicId, records, partitions } = answer.value;
    world.recorder.topicNames.set(topicId, topic);
    for (const { partition, startOffset, endOffset, nextOffset } of partitions) {
      const here = records.filter((record) => record.partition === partition).map(({ offset, value }) => ({ offset, text: Buffer.from(value ?? []).toString() }));
      // Of the first page it is not told where it began; a partition that came later is read from 0.
      const began0 = cursor === undefined ? (here[0]?.offset ?? nextOffset) : 0;
      world.recorder.read({
        client,
        session: `${client}-${session}`,
        partition: `${topicId}/${partition}`,
        from: offsets.get(partition) ?? began0,
        records: here,
        nextOffset,
        startOffset,
        endOffset,
        began,
      });
      offsets.set(partition, nextOffset);
    }
    cursor = answer.value.cursor;
  });
};
