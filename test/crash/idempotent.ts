// Clients of the crash test that send everything again until it is certain, over kills, lost answers and restarts:
// producers with sequences, as JSON and as record batches, and clients with idempotency keys. What stands is sent once
// more now and then, and must be told where. Now and then a client pauses, so that what the server knows of it leaves the
// head of the partition.

import { setTimeout as wait } from 'node:timers/promises';
import type { AppendOutcome } from '../support/history.ts';
import type { SeededRandom } from '../support/random.ts';
import { encodeBatch } from '../support/record-batch.ts';
import { ConnectionLost, type Reply, type Request } from './http.ts';
import { someValues } from './producers.ts';
import type { Recorder, Value } from './recorder.ts';
import { explained, parse, type World } from './world.ts';

/** What must not be: each is a violation of I5, I6 or I8. */
export type Once = { readonly problems: string[]; readonly settled: Map<string, readonly string[]> };

type Place = { readonly partition: number; readonly baseOffset: number | null; readonly count: number };

const json = { 'content-type': 'application/json' };
const batchesType = { 'content-type': 'application/vnd.wadi.record-batches' };

/** One try: the places, where all of it stands; the code of a refusal that is sure; undefined: nobody knows. */
async function sendOnce(world: World, how: string, path: string, request: Request): Promise<readonly Place[] | string | undefined> {
  let reply: Reply;
  try {
    reply = await world.send(path, { method: 'POST', ...request });
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    if (error.timedOut) world.recorder.complain(`${how}: no answer within the time limit`);
    await world.target.up();
    return undefined;
  }
  const answer = parse(reply);
  if (reply.status === 200) return answer.results as readonly Place[];
  const code = String(reply.status === 207 ? answer.results.find((result: { code?: string }) => result.code !== undefined)?.code : answer?.code);
  if (!explained.has(code) && !tells.has(code)) world.recorder.complain(`${how}: ${reply.status} ${code} (${answer?.detail ?? ''})`);
  await world.target.up();
  return tells.has(code) ? code : undefined;
}

const tells = new Set(['out_of_order_sequence', 'producer_fenced', 'idempotency_key_reused']);

/** Until all of it stands. It is the kills that lose answers. */
async function settle(world: World, how: string, path: string, request: Request, once: Once): Promise<readonly Place[] | undefined> {
  for (;;) {
    const answer = await sendOnce(world, how, path, request);
    if (typeof answer === 'object') return answer;
    if (answer !== undefined) {
      once.problems.push(`${how} ${path}: ${answer}, though it is the next, or was never sent otherwise`);
      return undefined;
    }
  }
}

function enter(world: World, how: string, client: string, began: number, values: readonly Value[], partition: number, offset: number | null): void {
  const outcome: AppendOutcome = offset === null ? { result: 'unknown', code: 'duplicate' } : { result: 'acknowledged', offsets: values.map((_, i) => offset + i) };
  world.recorder.append({ client, partition: `${world.topic.id}/${partition}`, records: values.map(({ text }) => text), began }, outcome, how);
}

type Batch = { readonly partition: number; readonly epoch: number; readonly sequence: number; readonly request: Request; readonly values: readonly Value[]; readonly offset: number | null };

async function sequences(world: World, client: string, random: SeededRandom, once: Once, how: 'sequences' | 'sequences of batches'): Promise<void> {
  const { id } = (await control(world, '/v1/producers', '{}')) as { id: number };
  const lanes = Array.from({ length: world.topic.partitions }, (_, partition) => ({ partition, epoch: 0, next: 0, batches: [] as Batch[] }));
  const path = (partition: number) => `/v1/topics/${world.topic.name}/partitions/${partition}/records`;

  while (!world.stopped()) {
    if (random.chance(0.1)) await wait(random.between(20, 300));
    const lane = random.pick(lanes);
    if (random.chance(0.25) && lane.batches.length > 0) {
      await again(world, how, once, path(lane.partition), random.chance(0.6) ? (lane.batches.at(-1) as Batch) : random.pick(lane.batches), lane);
      continue;
    }
    if (random.chance(0.03)) {
      lane.epoch = ((await control(world, '/v1/producers', JSON.stringify({ id, epoch: lane.epoch }))) as { epoch: number }).epoch;
      lane.next = 0;
    }
    const values = someValues(world, client, random, 6);
    const producer = { id, epoch: lane.epoch, sequence: lane.next };
    const request =
      how === 'sequences'
        ? { headers: json, body: `{"producer":${JSON.stringify(producer)},"records":[${values.map((value) => `{"value":${value.json}}`).join(',')}]}` }
        : { headers: batchesType, body: batchOf(values, producer) };
    const began = world.recorder.moment();
    const [place] = (await settle(world, how, path(lane.partition), request, once)) ?? [];
    if (place === undefined) return;
    enter(world, how, client, began, values, lane.partition, place.baseOffset);
    once.settled.set(
      `${client} ${lane.partition} ${lane.epoch} ${lane.next}`,
      values.map(({ text }) => text),
    );
    lane.batches.push({ partition: lane.partition, epoch: lane.epoch, sequence: lane.next, request, values, offset: place.baseOffset });
    lane.next += values.length;
    // Bodies are kept to be sent again; the oldest are let go.
    if (lane.batches.length > 20) lane.batches.shift();
  }
}

const batchOf = (values: readonly Value[], producer?: { id: number; epoch: number; sequence: number }): Buffer =>
  encodeBatch(
    values.map((value) => ({ value: Buffer.from(value.json) })),
    Date.now(),
    producer,
  );

async function again(world: World, how: string, once: Once, path: string, batch: Batch, lane: { readonly epoch: number; readonly batches: readonly Batch[] }): Promise<void> {
  const answer = await sendOnce(world, how, path, batch.request);
  if (answer === undefined) return;
  const what = `${how} ${path}, epoch ${batch.epoch}, sequence ${batch.sequence}, sent again`;
  const newest = lane.batches.at(-1);
  if (typeof answer === 'string') {
    if (answer === 'producer_fenced' && batch.epoch < (newest?.epoch ?? 0)) count(world.recorder, 'old epochs refused');
    else once.problems.push(`${what}: ${answer}`);
    return;
  }
  const told = answer[0]?.baseOffset;
  if (batch === newest ? told !== batch.offset && batch.offset !== null : told !== null) once.problems.push(`${what}: stands at ${batch.offset}, and was told ${told}`);
  count(world.recorder, batch === newest ? 'newest batches sent again' : 'older batches sent again');
}

async function keys(world: World, client: string, random: SeededRandom, once: Once, how: 'keys' | 'keys of batches'): Promise<void> {
  const sent: { key: string; path: string; request: Request; places: readonly Place[] }[] = [];
  for (let n = 0; !world.stopped(); n++) {
    if (random.chance(0.1)) await wait(random.between(20, 300));
    if (random.chance(0.3) && sent.length > 0) {
      const { key, path, request, places } = random.chance(0.6) ? (sent.at(-1) as (typeof sent)[number]) : random.pick(sent);
      const other = random.chance(0.2);
      const answer = await sendOnce(world, how, path, other ? { ...request, body: how === 'keys of batches' ? batchOf(someValues(world, client, random, 1)) : `${request.body} ` } : request);
      if (answer === undefined) continue;
      const right = other ? answer === 'idempotency_key_reused' : JSON.stringify(answer) === JSON.stringify(places);
      if (!right) once.problems.push(`${how} ${key}, sent again${other ? ' with another body' : ''}: ${JSON.stringify(answer)}; first: ${JSON.stringify(places)}`);
      count(world.recorder, other ? 'keys refused for another body' : 'keys sent again');
      continue;
    }
    const key = `${client}-${n}`;
    const values = someValues(world, client, random, 8);
    const toOne = how === 'keys of batches';
    const path = `/v1/topics/${world.topic.name}${toOne ? `/partitions/${random.between(0, world.topic.partitions - 1)}` : ''}/records?${toOne ? '' : 'answer=records'}`;
    const body = toOne ? batchOf(values) : `{"records":[${values.map((value, i) => `{${i % 3 === 0 ? '' : `"key":"${client}${random.between(0, 9)}",`}"value":${value.json}}`).join(',')}]}`;
    const request = { headers: { ...(toOne ? batchesType : json), 'idempotency-key': key }, body };
    const began = world.recorder.moment();
    const places = await settle(world, how, path, request, once);
    if (places === undefined) return;
    if (toOne) enter(world, how, `${client}-${n}`, began, values, places[0]?.partition ?? -1, places[0]?.baseOffset ?? null);
    else await enterEach(world, how, `${client}-${n}`, began, values, path, request);
    once.settled.set(
      key,
      values.map(({ text }) => text),
    );
    sent.push({ key, path, request, places });
    if (sent.length > 20) sent.shift();
  }
}

/** Where each record stands is told by the answer once more. */
async function enterEach(world: World, how: string, client: string, began: number, values: readonly Value[], path: string, request: Request): Promise<void> {
  for (;;) {
    const reply = await world.send(path, { method: 'POST', ...request }).catch((error: unknown) => {
      if (!(error instanceof ConnectionLost)) throw error;
    });
    if (reply?.status === 200) {
      const records = parse(reply).records as readonly { partition: number; offset: number }[];
      for (const [i, value] of values.entries()) enter(world, how, client, began, [value], records[i]?.partition ?? -1, records[i]?.offset ?? null);
      return;
    }
    await world.target.up();
  }
}

const count = ({ counts }: Recorder, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);

async function control(world: World, path: string, body: string): Promise<unknown> {
  for (;;) {
    const reply = await world.send(path, { method: 'POST', headers: json, body }).catch((error: unknown) => {
      if (!(error instanceof ConnectionLost)) throw error;
    });
    if (reply?.status === 200) return parse(reply);
    await world.target.up();
  }
}

/** Resolves when all have ended, with what they have found. */
export async function runIdempotent(world: World): Promise<Once> {
  const once: Once = { problems: [], settled: new Map() };
  const named = (name: string, run: (client: string, random: SeededRandom) => Promise<void>, copies: number) =>
    Array.from({ length: copies }, (_, i) => run(`${name}-${i}`, world.random.fork(`${name}-${i}`)));
  await Promise.all([
    ...named('sequenced', (client, random) => sequences(world, client, random, once, 'sequences'), 4),
    ...named('sequenced-batches', (client, random) => sequences(world, client, random, once, 'sequences of batches'), 4),
    ...named('keyed', (client, random) => keys(world, client, random, once, 'keys'), 4),
    ...named('keyed-batches', (client, random) => keys(world, client, random, once, 'keys of batches'), 2),
  ]);
  return once;
}

/** Against the log as it was read in the end: what was settled stands, each record once. */
export function checkOnce({ problems, settled }: Once, { events }: Recorder, session: string): string[] {
  const standing = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'read' && event.session.startsWith(session)) for (const { text } of event.records) standing.set(text, (standing.get(text) ?? 0) + 1);
  }
  const found = [...settled].flatMap(([what, texts]) => {
    const times = texts.map((text) => standing.get(text) ?? 0);
    return times.every((one) => one === 1) ? [] : [`${what} was settled, and its records stand ${times.join(', ')} times`];
  });
  return [...problems, ...found];
}
