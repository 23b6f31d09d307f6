// Topics come and go while the server is killed: a topic whose creation was acknowledged can be described, one
// whose deletion was acknowledged is gone, and a topic made again under an old name is empty.

import { randomUUID } from 'node:crypto';
import { ConnectionLost, type Reply } from './http.ts';
import { someValues } from './producers.ts';
import { readPage } from './readers.ts';
import { append, parse, type Topic, type World } from './world.ts';

/** What must be true of a topic name in the end; undefined after a lost answer. */
export type Expectations = Map<string, 'stands' | 'gone' | undefined>;

export async function churnTopics(world: World, expectations: Expectations): Promise<void> {
  const random = world.random.fork('churn');
  const names = ['churn-a', 'churn-b', 'churn-c'];
  for (let round = 0; !world.stopped(); round++) {
    const name = random.pick(names);
    const topic = await createTopic(world, name, 2, expectations);
    if (topic === undefined) continue;
    const churned = { ...world, topic };
    for (let i = random.between(1, 4); i > 0 && !world.stopped(); i--) {
      const partition = random.between(0, 1);
      const values = someValues(world, `churn-${round}`, random, 5);
      const body = `[${values.map((value) => value.json).join(',')}]`;
      const path = `/v1/topics/${name}/partitions/${partition}/records?as=values`;
      await append(churned, 'churn', 'churned topic', path, { headers: { 'content-type': 'application/json' }, body }, [{ partition, values }]);
      await readPage(churned, randomUUID(), partition, 0, 'JSON', '&limit=10000');
    }
    if (random.chance(0.8)) await deleteTopic(world, name, expectations);
  }
}

/** Undefined where the answer was lost, or where the topic still stands from an earlier round (then it is deleted). */
export async function createTopic(world: Omit<World, 'topic'>, name: string, partitions: number, expectations: Expectations): Promise<Topic | undefined> {
  const reply = await control(world, 'PUT', name, JSON.stringify({ partitions }));
  if (reply === undefined || (reply.status !== 200 && reply.status !== 201)) {
    expectations.set(name, undefined);
    return undefined;
  }
  const expected = expectations.get(name);
  if (expected === 'stands' && reply.status === 201) world.recorder.complain(`topic ${name} was made anew (201) although it stood`);
  if (expected === 'gone' && reply.status === 200) world.recorder.complain(`topic ${name} stood (200) although it had been deleted`);
  expectations.set(name, 'stands');
  return { name, id: parse(reply).topicId, partitions };
}

async function deleteTopic(world: World, name: string, expectations: Expectations): Promise<void> {
  const expected = expectations.get(name);
  expectations.set(name, undefined);
  const reply = await control(world, 'DELETE', name);
  if (reply === undefined) return;
  const gone = reply.status === 404 && expected !== 'stands';
  if (reply.status >= 300 && !gone) world.recorder.complain(`DELETE ${name}: ${reply.status} ${parse(reply)?.code}`);
  else expectations.set(name, 'gone');
}

/** In the end each topic whose state is known is there or not, as known. */
export async function checkTopics(world: World, expectations: Expectations): Promise<void> {
  for (const [name, expected] of expectations) {
    const status = (await control(world, 'GET', name))?.status;
    if (expected === 'stands' && status !== 200) world.recorder.complain(`topic ${name} should stand in the end: ${status}`);
    if (expected === 'gone' && status !== 404) world.recorder.complain(`topic ${name} should be gone in the end: ${status}`);
  }
}

async function control(world: Omit<World, 'topic'>, method: string, name: string, body?: string): Promise<Reply | undefined> {
  try {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const reply = await world.send(`/v1/topics/${name}`, { method, headers, ...(body === undefined ? {} : { body }) });
    if (reply.status >= 400 && reply.status !== 404) world.recorder.complain(`${method} topic: ${reply.status} ${parse(reply)?.code} ${parse(reply)?.detail}`);
    return reply;
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    if (error.timedOut) world.recorder.complain(`${method} topic: no answer within the time limit`);
    await world.target.up();
    return undefined;
  }
}
