// Producers: plain ones, such as send to several partitions at once, such as give up early, and bursts by many
// at once. A producer sends anew what was refused or is unknown, in new texts, and goes on.

import type { SeededRandom } from '../../support/random.ts';
import { append, makeTexts, type Part } from '../append.ts';
import { fleeting, steady } from '../topics.ts';
import type { World } from '../world.ts';
import { type Actor, pause, repeat } from './actor.ts';

const someCount = (random: SeededRandom): number => (random.chance(0.6) ? 1 : random.chance(0.9) ? random.between(2, 5) : random.between(6, 25));

/** Most clients are patient; some give up while their request is under way. */
const patience = (random: SeededRandom): number | undefined => (random.chance(0.93) ? undefined : random.between(5, 2_000));

export const plain: Actor = (world, client, random) =>
  repeat(world, random, { times: 55, busyMs: 120 }, async () => {
    const topic = random.chance(0.85) ? steady : fleeting;
    const partition = random.between(0, world.profile.partitions - 1);
    for (let attempt = 0; attempt < 3 && world.active(); attempt++) {
      const node = await world.node(random);
      const parts: Part[] = [{ partition, texts: makeTexts(world, client, random, someCount(random)) }];
      const { outcomes } = await append(world, node, client, { topic, parts, asBatches: random.chance(0.3), limitMs: patience(random) });
      if (outcomes[0]?.result === 'acknowledged') return;
      await pause(world, random, 30);
    }
  });

export const severalPartitions: Actor = (world, client, random) =>
  repeat(world, random, { times: 25, busyMs: 250 }, async () => {
    const node = await world.node(random);
    const parts: Part[] = [];
    for (let partition = 0; partition < world.profile.partitions + 1; partition++) {
      if (random.chance(0.7)) parts.push({ partition, texts: makeTexts(world, client, random, someCount(random)) });
    }
    if (parts.length > 0) await append(world, node, client, { topic: steady, parts });
  });

/** Many at once on one partition, some of them through one broker: the window of the head passes quickly. */
export const bursts: Actor = (world, name, random) =>
  repeat(world, random, { times: 4, busyMs: world.profile.activeMs / 5 }, async () => {
    const topic = random.chance(0.75) ? steady : fleeting;
    const partition = random.between(0, world.profile.partitions - 1);
    const clients = Array.from({ length: random.between(2, 6) }, (_, i) => burst(world, `${name}.${i}`, random.fork(`${name}.${i}.${world.unique()}`), topic, partition));
    await Promise.all(clients);
  });

async function burst(world: World, client: string, random: SeededRandom, topic: string, partition: number): Promise<void> {
  for (let i = 0; i < 28 && world.active(); i++) {
    const node = await world.node(random);
    await append(world, node, client, { topic, parts: [{ partition, texts: makeTexts(world, client, random, 1) }], limitMs: random.chance(0.8) ? 400 : undefined });
  }
}

/** Sends without waiting for answers; each of its requests counts as a client of its own, for they have no order. */
export const impatient: Actor = (world, name, random) =>
  repeat(world, random, { times: 6, busyMs: 2_000 }, async () => {
    const node = await world.node(random);
    const partition = random.between(0, world.profile.partitions - 1);
    const all = Array.from({ length: random.between(3, 10) }, () => {
      const client = `${name}.${world.unique()}`;
      return append(world, node, client, { topic: steady, parts: [{ partition, texts: makeTexts(world, client, random, someCount(random)) }] });
    });
    await Promise.all(all);
  });
