// Those who make, grow and delete topics, often several of them at the same time.

import { alterTopic } from '../../../src/broker/alter-topic.ts';
import { createTopic } from '../../../src/broker/create-topic.ts';
import { deleteTopic } from '../../../src/broker/delete-topic.ts';
import { listTopics } from '../../../src/broker/describe-topic.ts';
import { removeExpired } from '../../../src/broker/expire.ts';
import { runDueWork } from '../../../src/broker/run-work.ts';
import type { SeededRandom } from '../../support/random.ts';
import { ask } from '../client.ts';
import { fleeting, steady } from '../topics.ts';
import type { World } from '../world.ts';
import { type Actor, repeat } from './actor.ts';

export async function create(world: World, client: string, random: SeededRandom, name: string, partitions: number): Promise<string | undefined> {
  const began = world.recorder.moment();
  const answer = await ask(world, await world.node(random), `${client} creates ${name} with ${partitions}`, (broker) => createTopic(broker, { name, partitions }));
  if ('failure' in answer) return undefined;
  const { id } = answer.value.topic;
  world.recorder.topicNames.set(id, name);
  if (name === steady && [...world.recorder.topicNames].some(([other, its]) => its === steady && other !== id))
    world.recorder.finding('topics', `${client} was told that ${name} is ${id}, another than before`);
  notDeleted(world, id, began, `${client} was told that ${name} is ${id}`);
  return id;
}

async function remove(world: World, client: string, random: SeededRandom, name: string): Promise<void> {
  const began = world.recorder.moment();
  const answer = await ask(world, await world.node(random), `${client} deletes ${name}`, (broker) => deleteTopic(broker, name));
  if ('failure' in answer) return;
  const id = answer.value;
  world.recorder.topicNames.set(id, name);
  world.tally.injected('topic deleted');
  const known = world.recorder.deleted.get(id);
  if (known === undefined) world.recorder.deleted.set(id, { began, ended: world.recorder.moment() });
}

/** What begins after a deletion was answered must not find the topic any more. */
function notDeleted(world: World, id: string, began: number, what: string): void {
  const deleted = world.recorder.deleted.get(id);
  if (deleted !== undefined && deleted.ended < began) world.recorder.finding('deleted', `${what} (moment ${began}), whose deletion had been answered (moment ${deleted.ended})`);
}

/** Two of them at once, most times: one makes the topic, the other finds it. */
export const churn: Actor = (world, name, random) =>
  repeat(world, random, { times: 10, busyMs: world.profile.activeMs / 12 }, async () => {
    const doers = Array.from({ length: random.chance(0.5) ? 1 : 2 }, (_, i) => `${name}.${i}`);
    const { partitions } = world.profile;
    if (random.chance(0.8)) await Promise.all(doers.map((client) => create(world, client, random, fleeting, partitions)));
    if (random.chance(0.6)) await world.timeline.sleep(random.between(0, 4_000));
    if (random.chance(0.8)) await Promise.all(doers.map((client) => remove(world, client, random, fleeting)));
    if (random.chance(0.6)) await ask(world, await world.node(random), `${name} runs due work`, (broker) => runDueWork(broker));
  });

/** The steady topic grows once or twice; who creates it again with what it had is told that it stands, or that it stands otherwise. */
export const grow: Actor = (world, client, random) =>
  repeat(world, random, { times: 4, busyMs: world.profile.activeMs / 5 }, async () => {
    const draw = random.next();
    if (draw < 0.4) {
      const partitions = world.profile.partitions + random.between(0, 2);
      await ask(world, await world.node(random), `${client} grows ${steady} to ${partitions}`, (broker) => alterTopic(broker, { name: steady, partitions }).catch(unlessShrinking));
    } else if (draw < 0.6) {
      await ask(world, await world.node(random), `${client} sets ${steady}`, (broker) => alterTopic(broker, { name: steady, config: { 'retention.ms': random.between(1, 5) * 86_400_000 } }));
    } else if (draw < 0.8) await create(world, client, random, steady, world.profile.partitions);
    else {
      const began = world.recorder.moment();
      const answer = await ask(world, await world.node(random), `${client} lists topics`, (broker) => listTopics(broker, { limit: 100 }));
      if ('failure' in answer) return;
      for (const { id } of answer.value.topics) notDeleted(world, id, began, `${client} was shown ${id}`);
      if (!answer.value.topics.some((topic) => topic.name === steady)) world.recorder.finding('topics', `${client} was not shown ${steady}`);
    }
  });

/** Asking for fewer partitions than there are is the client's mistake. */
function unlessShrinking(error: unknown): void {
  if ((error as { code?: unknown }).code !== 'invalid_partitions') throw error;
}

/** What requests left for later, and what has expired. */
export const worker: Actor = (world, client, random) =>
  repeat(world, random, { times: 6, busyMs: world.profile.activeMs / 6 }, async () => {
    await ask(world, await world.node(random), `${client} runs due work`, (broker) => runDueWork(broker));
    await ask(world, await world.node(random), `${client} removes what has expired`, (broker) => removeExpired(broker));
  });
