// Producers of the crash test: each sends one request after another, in one of the ways that the API has, until
// the load ends. A lost answer is recorded as unknown, and the producer goes on with new records.

import { limits } from '../../src/record/limits.ts';
import type { SeededRandom } from '../support/random.ts';
import { encodeBatch } from '../support/record-batch.ts';
import type { Value } from './recorder.ts';
import { append, type World } from './world.ts';

type Producer = (world: World, client: string, random: SeededRandom) => Promise<void>;

const json = { 'content-type': 'application/json' };

/** Mostly small records, some of a few KB, and a few of up to 1 MB. */
export function someValues(world: World, client: string, random: SeededRandom, maxCount: number): Value[] {
  const draw = random.next();
  if (draw < 0.004) return [world.recorder.value(client, random.between(100_000, 1_000_000), random)];
  if (draw < 0.05) return Array.from({ length: random.between(1, 4) }, () => world.recorder.value(client, random.between(1_000, 60_000), random));
  return Array.from({ length: random.between(1, maxCount) }, () => world.recorder.value(client, random.between(40, 600), random));
}

const path = (world: World, partition: number) => `/v1/topics/${world.topic.name}/partitions/${partition}/records`;
const anyPartition = (world: World, random: SeededRandom) => random.between(0, world.topic.partitions - 1);

const jsonRecords: Producer = async (world, client, random) => {
  while (!world.stopped()) {
    const partition = anyPartition(world, random);
    const values = someValues(world, client, random, 12);
    const body = `{"records":[${values.map((value) => `{"key":"${client}","value":${value.json}}`).join(',')}]}`;
    await append(world, client, 'JSON', path(world, partition), { headers: json, body }, [{ partition, values }]);
  }
};

const jsonValues: Producer = async (world, client, random) => {
  while (!world.stopped()) {
    const partition = anyPartition(world, random);
    const values = someValues(world, client, random, 12);
    const body = `[${values.map((value) => value.json).join(',')}]`;
    await append(world, client, 'as=values', `${path(world, partition)}?as=values`, { headers: json, body }, [{ partition, values }]);
  }
};

const oneValue: Producer = async (world, client, random) => {
  while (!world.stopped()) {
    const partition = anyPartition(world, random);
    const values = someValues(world, client, random, 1).slice(0, 1);
    const request = { headers: { 'content-type': 'text/plain' }, body: values[0]?.json ?? '' };
    await append(world, client, 'as=value', `${path(world, partition)}?as=value&key=${client}`, request, [{ partition, values }]);
  }
};

/** One to three batches in a body, now and then several MB, which do not fit into the ledger: they stand together or not at all. */
const batches: Producer = async (world, client, random) => {
  while (!world.stopped()) {
    const partition = anyPartition(world, random);
    const large = random.chance(0.03);
    const groups = large ? severalMegabytes(world, client, random) : Array.from({ length: random.between(1, 3) }, () => someValues(world, client, random, 20));
    const body = Buffer.concat(
      groups.map((values) =>
        encodeBatch(
          values.map((value) => ({ value: Buffer.from(value.json) })),
          Date.now(),
        ),
      ),
    );
    const request = { headers: { 'content-type': 'application/vnd.wadi.record-batches' }, body };
    await append(world, client, large ? 'several MB' : 'batches', path(world, partition), request, [{ partition, values: groups.flat() }]);
  }
};

function severalMegabytes(world: World, client: string, random: SeededRandom): Value[][] {
  const most = Math.floor((world.maxBodyBytes ?? limits.maxBodyBytes) / 1_100_000);
  return Array.from({ length: random.between(most - 2, most) }, () => [world.recorder.value(client, 1_000_000, random)]);
}

/** Appends only where it believes the log ends, and learns the true end from each 412: optimistic concurrency. */
const expectedOffset: Producer = async (world, client, random) => {
  const ends = new Array<number>(world.topic.partitions).fill(0);
  while (!world.stopped()) {
    const partition = anyPartition(world, random);
    for (let attempt = 0; attempt < 5 && !world.stopped(); attempt++) {
      const values = someValues(world, client, random, 4);
      const expected = ends[partition] ?? 0;
      const body = `{"records":[${values.map((value) => `{"value":${value.json}}`).join(',')}]}`;
      const request = { headers: { ...json, 'wadi-expected-offset': String(expected) }, body };
      const [outcome] = await append(world, client, 'expected offset', path(world, partition), request, [{ partition, values, expectedOffset: expected }]);
      if (outcome?.result === 'acknowledged') ends[partition] = expected + values.length;
      else if (outcome?.result === 'refused' && outcome.endOffset !== undefined) ends[partition] = outcome.endOffset;
      if (outcome?.result === 'acknowledged') break;
    }
  }
};

/** One request over several partitions: each part is acknowledged or not by itself (207). */
const severalPartitions: Producer = async (world, client, random) => {
  while (!world.stopped()) {
    const parts = Array.from({ length: world.topic.partitions }, (_, partition) => ({ partition, values: random.chance(0.6) ? someValues(world, client, random, 5) : [] })).filter(
      ({ values }) => values.length > 0,
    );
    if (parts.length === 0) continue;
    const body = `{"records":[${parts.flatMap(({ partition, values }) => values.map((value) => `{"partition":${partition},"value":${value.json}}`)).join(',')}]}`;
    await append(world, client, 'several partitions', `/v1/topics/${world.topic.name}/records`, { headers: json, body }, parts);
  }
};

const kinds = { jsonRecords, jsonValues, oneValue, batches, expectedOffset, severalPartitions };

/** So many producers of each kind. Resolves when all have ended. */
export async function runProducers(world: World, ofEach = 3): Promise<void> {
  const running = Object.entries(kinds).flatMap(([kind, produce]) => Array.from({ length: ofEach }, (_, i) => `${kind}-${i + 1}`).map((name) => produce(world, name, world.random.fork(name))));
  await Promise.all(running);
}
