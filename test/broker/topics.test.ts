// The life of a topic, also where requests race or die half way.
import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { alterTopic } from '../../src/broker/alter-topic.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { deleteTopic } from '../../src/broker/delete-topic.ts';
import { describeTopic, listTopics } from '../../src/broker/describe-topic.ts';
import { runDueWork } from '../../src/broker/run-work.ts';
import { partitionKey, registryOf, topicKey, workShards } from '../../src/log/keys.ts';
import type { WadiError } from '../../src/record/errors.ts';
import { brokerWithTopic, outcome, readAll, send, testBroker } from '../support/test-broker.ts';

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: WadiError) => error.code,
  );

/** What of a topic is left in the ledger, besides payloads and its tombstone. */
async function leftovers(broker: Broker, id: string, partitions: number): Promise<string[]> {
  const found: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const { items } = await broker.ledger.scan({ pk: partitionKey(id, partition), limit: 100, strong: true });
    found.push(...items.map(({ sk }) => sk));
  }
  const { items } = await broker.ledger.scan({ ...registryOf(id), limit: 1000, strong: true });
  found.push(...items.map(({ sk }) => sk));
  for (const pk of workShards) found.push(...(await broker.ledger.scan({ pk, limit: 100, strong: true })).items.map(({ sk }) => sk));
  if ((await broker.ledger.read([topicKey(id)], { strong: true }))[0]?.['st'] !== 'deleted') found.push('TU');
  return found;
}

describe('create', () => {
  it('the same request twice makes one topic; other settings are refused', async () => {
    const broker = await testBroker();
    const first = await createTopic(broker, { name: 't', partitions: 256 });
    expect(first.created).toBe(true);
    const second = await createTopic(broker, { name: 't', partitions: 256 });
    expect([second.created, second.topic.id]).toEqual([false, first.topic.id]);
    expect(await codeOf(createTopic(broker, { name: 't', partitions: 2 }))).toBe('topic_exists');
    expect(await codeOf(createTopic(broker, { name: 't', partitions: 256, config: { 'retention.ms': 1 } }))).toBe('topic_exists');
  });

  it('of many that race one makes it, all learn of it, and nothing is left of the others', async () => {
    const shared = { ledger: memoryLedger(), objects: memoryObjectStore(() => 0) };
    const brokers = await Promise.all(Array.from({ length: 5 }, () => testBroker(shared)));
    const made = await Promise.all(brokers.map((broker) => createTopic(broker, { name: 't', partitions: 3 })));
    expect(made.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(made.map(({ topic }) => topic.id)).size).toBe(1);
    const registered = await Promise.all(
      ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'].map((shard) => shared.ledger.scan({ pk: `R#0${shard}`, limit: 100, strong: true })),
    );
    expect(registered.flatMap(({ items }) => items)).toHaveLength(3);
  });

  it.each([
    ['a name', { name: 'a/b' }, 'invalid_topic_name'],
    ['a dot', { name: '..' }, 'invalid_topic_name'],
    ['a long name', { name: 'x'.repeat(250) }, 'invalid_topic_name'],
    ['no partitions', { name: 't', partitions: 0 }, 'invalid_partitions'],
    ['too many', { name: 't', partitions: 257 }, 'invalid_partitions'],
    ['a half', { name: 't', partitions: 1.5 }, 'invalid_partitions'],
    ['an unknown setting', { name: 't', config: { 'retention.mz': 1 } }, 'invalid_config'],
    ['a setting of another type', { name: 't', config: { 'retention.ms': '1' } }, 'invalid_config'],
    ['a setting out of bounds', { name: 't', config: { 'max.message.bytes': 1e9 } }, 'invalid_config'],
    ['a policy that is none', { name: 't', config: { 'cleanup.policy': 'keep' } }, 'invalid_config'],
    ['an inherited name', { name: 't', config: { constructor: 1 } }, 'invalid_config'],
  ])('I4: %s is refused by name, with nothing written', async (_, request, code) => {
    const broker = await testBroker();
    broker.ledger.sent.length = 0;
    expect(await codeOf(createTopic(broker, request))).toBe(code);
    expect(broker.ledger.sent).toEqual([]);
  });

  it('what a maker that died left is cleared away when it is due', async () => {
    const broker = await testBroker();
    broker.ledger.fail('full', (writes) => writes.some(({ key }) => key.pk === 'TN'));
    expect(await codeOf(createTopic(broker, { name: 't', partitions: 2 }))).not.toBe('no error');
    const id = broker.ledger.sent
      .flat()
      .find(({ key }) => key.pk.startsWith('TU#'))
      ?.key.pk.slice(3) as string;
    expect((await leftovers(broker, id, 2)).length).toBeGreaterThan(0);
    expect(await runDueWork(broker)).toBe(0);
    const later = { ...broker, clock: { ...broker.clock, nowMs: () => broker.clock.nowMs() + 3_600_001 } };
    expect(await runDueWork(later)).toBeGreaterThan(0);
    expect(await leftovers(broker, id, 2)).toEqual([]);
    expect((await createTopic(broker, { name: 't', partitions: 2 })).created).toBe(true);
  });
});

describe('alter', () => {
  it('partitions grow and never shrink; new ones take records', async () => {
    const broker = await brokerWithTopic();
    await alterTopic(broker, { name: 't', partitions: 5 });
    expect(await outcome(send(broker, ['a'], { partition: 4 }))).toBe(0);
    expect(await codeOf(alterTopic(broker, { name: 't', partitions: 2 }))).toBe('invalid_partitions');
    expect((await describeTopic(broker, 't')).partitions).toHaveLength(5);
  });

  it('two that grow at once both come true', async () => {
    const shared = { ledger: memoryLedger(), objects: memoryObjectStore(() => 0) };
    const [one, other] = [await brokerWithTopic(shared), await testBroker(shared)];
    await Promise.all(
      [alterTopic(one, { name: 't', partitions: 4 }), alterTopic(other, { name: 't', partitions: 6 })].map((promise) =>
        promise.catch((error: WadiError) => expect(error.code).toBe('invalid_partitions')),
      ),
    );
    expect((await describeTopic(one, 't')).partitions).toHaveLength(6);
    expect(await outcome(send(one, ['a'], { partition: 5 }))).toBe(0);
  });

  it('I4: where the settings were written and the partitions were not, the error does not say that nothing was done', async () => {
    const broker = await brokerWithTopic();
    broker.ledger.fail('full', (writes) => writes.some(({ key }) => key.sk === 'H'));
    const error = await alterTopic(broker, { name: 't', partitions: 3, config: { 'retention.ms': -1 } }).catch((thrown: WadiError) => thrown);
    expect(error).toMatchObject({ code: 'storage_full', sideEffects: 'some' });
    expect((await describeTopic(broker, 't')).topic.config['retention.ms']).toBe(-1);
  });

  it('settings change alone; a bad one changes nothing, not even the partitions beside it', async () => {
    const broker = await brokerWithTopic();
    const { topic } = await alterTopic(broker, { name: 't', config: { 'retention.ms': -1 } });
    expect(topic.config['retention.ms']).toBe(-1);
    expect(topic.config['cleanup.policy']).toBe('delete');
    expect(await codeOf(alterTopic(broker, { name: 't', partitions: 3, config: { nonsense: 1 } }))).toBe('invalid_config');
    expect((await describeTopic(broker, 't')).partitions).toHaveLength(1);
  });
});

describe('delete', () => {
  it('when it is answered nothing can be appended, and nothing of the old topic is in the new one', async () => {
    const broker = await brokerWithTopic();
    for (let i = 0; i < 30; i++) await send(broker, [`old ${i}`]);
    const { id } = await broker.topics.resolve('t');
    await deleteTopic(broker, 't');
    expect(await codeOf(send(broker, ['x']))).toBe('topic_not_found');
    expect((await createTopic(broker, { name: 't' })).created).toBe(true);
    expect(await readAll(broker)).toEqual([]);
    expect(await outcome(send(broker, ['new']))).toBe(0);
    expect(await runDueWork(broker)).toBe(1);
    expect(await leftovers(broker, id, 1)).toEqual([]);
    expect(await readAll(broker)).toEqual(['new']);
  });

  it('a server that still holds the old topic writes to the new one, or to none', async () => {
    const shared = { ledger: memoryLedger(), objects: memoryObjectStore(() => 0) };
    const [one, other] = [await brokerWithTopic(shared), await testBroker(shared)];
    await send(other, ['old']);
    await deleteTopic(one, 't');
    expect(await codeOf(send(other, ['x']))).toBe('topic_not_found');
    await createTopic(one, { name: 't' });
    expect(await outcome(send(other, ['new']))).toBe(0);
    expect(await readAll(one)).toEqual(['new']);
  });

  it('a deletion that died half way is seen through by the next run, and by whoever wants the name', async () => {
    const broker = await brokerWithTopic();
    broker.ledger.fail('full', (writes) => writes.some(({ key, action }) => key.pk === 'TN' && action === 'delete'));
    expect(await deleteTopic(broker, 't').catch((thrown: WadiError) => thrown)).toMatchObject({ sideEffects: 'some' });
    expect((await createTopic(broker, { name: 't', partitions: 2 })).created).toBe(true);
    expect(await runDueWork(broker)).toBe(1);
    expect((await describeTopic(broker, 't')).partitions).toHaveLength(2);
  });
});

it('work that cannot be done does not keep the rest from being done, and stays', async () => {
  const broker = await testBroker();
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    ids.push((await createTopic(broker, { name })).topic.id);
    await deleteTopic(broker, name);
  }
  await broker.ledger.write({ key: topicKey(ids[0] as string), action: 'update', guards: [], changes: [{ change: 'set', path: 'fv', value: 99 }] });
  expect(await runDueWork(broker)).toBe(5);
  expect(broker.reports).toContain('due_work_failed');
  expect(await leftovers(broker, ids[3] as string, 1)).toHaveLength(1);
  expect(await runDueWork(broker, () => true)).toBe(0);
});

it('a creation that arrives a second time after the deletion, as a whole, makes nothing', async () => {
  const broker = await brokerWithTopic();
  const { id } = await broker.topics.resolve('t');
  const creation = broker.ledger.sent.filter((writes) => writes.some(({ key }) => [`TU#${id}`, 'TN', partitionKey(id, 0)].includes(key.pk)));
  expect(creation).toHaveLength(3);
  await deleteTopic(broker, 't');
  await runDueWork(broker);
  for (const writes of creation) await broker.ledger.writeAll(writes);
  expect(await leftovers(broker, id, 1)).toEqual([]);
  expect(await codeOf(describeTopic(broker, 't'))).toBe('topic_not_found');
  expect((await createTopic(broker, { name: 't' })).created).toBe(true);
});

it('lists in order of name, page by page', async () => {
  const broker = await testBroker();
  for (const name of ['b', 'a', 'a-', 'a.b', 'B']) await createTopic(broker, { name });
  const names: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await listTopics(broker, { after, limit: 2 });
    names.push(...page.topics.map(({ name }) => name));
    after = page.next;
    if (after === undefined) break;
  }
  expect(names).toEqual(['B', 'a', 'a-', 'a.b', 'b']);
});

it('counts bytes and pieces as they come', async () => {
  const broker = await brokerWithTopic();
  for (let i = 0; i < 20; i++) await send(broker, ['x'.repeat(100)]);
  const [partition] = (await describeTopic(broker, 't')).partitions;
  expect(partition).toMatchObject({ startOffset: 0, endOffset: 20, objects: 20 });
  expect(partition?.bytes).toBeGreaterThan(2000);
});
