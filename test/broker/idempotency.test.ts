// Idempotency keys: the same request under its key adds nothing and gets the first answer, at any server, whatever became
// of the first; its records stay where they were placed though the topic grows.
import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { alterTopic } from '../../src/broker/alter-topic.ts';
import { type AppendAnswer, appendBatches, appendRecords } from '../../src/broker/append.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { deleteTopic } from '../../src/broker/delete-topic.ts';
import { removeExpired } from '../../src/broker/expire.ts';
import type { Write } from '../../src/log/write.ts';
import { encodeBatch } from '../support/record-batch.ts';
import { brokerWithTopic, movedClock, outcome, readAll, record, send, testBroker } from '../support/test-broker.ts';

const fingerprintOf = (values: readonly string[]) => Uint8Array.from({ length: 32 }, (_, i) => values.join().charCodeAt(i % values.join().length));
type Options = { readonly key?: string; readonly partition?: number; readonly expectedOffset?: number };

/** Each value has itself as its key. */
function sendKeyed(broker: Broker, values: readonly string[], { key = 'key', ...options }: Options = {}): Promise<AppendAnswer> {
  return appendRecords(broker, {
    topic: 't',
    records: () => values.map((value) => ({ ...record(value), key: new TextEncoder().encode(value) })),
    idempotencyKey: { text: key, fingerprint: fingerprintOf(values) },
    ...options,
  });
}

/** Without keys. */
const sendSticky = (broker: Broker, values: readonly string[]): Promise<AppendAnswer> =>
  appendRecords(broker, { topic: 't', records: () => values.map((value) => record(value)), idempotencyKey: { text: 'key', fingerprint: fingerprintOf(values) } });

async function servers(partitions: number) {
  const ledger = memoryLedger();
  const one = await testBroker({ ledger });
  const other = await testBroker({ ledger, objects: one.objects });
  await createTopic(one, { name: 't', partitions });
  return [one, other] as const;
}

async function everything(broker: Broker, partitions: number): Promise<(string | null)[]> {
  const all = await Promise.all(Array.from({ length: partitions }, (_, partition) => readAll(broker, partition)));
  return all.flat();
}

const isKeyItem = (writes: readonly Write[]): boolean => writes.some(({ key }) => key.pk.startsWith('K#'));
const values = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

describe('the same request', () => {
  it('I5: adds nothing and gets the first answer, at any server', async () => {
    const [one, other] = await servers(3);
    const first = await sendKeyed(one, values);
    expect(first.results.length).toBeGreaterThan(1);
    expect(await sendKeyed(one, values)).toEqual(first);
    expect(await sendKeyed(other, values)).toEqual(first);
    expect((await everything(other, 3)).sort()).toEqual(values);
  });

  it.each([
    ['the answer could not be remembered', 'full'],
    ['the answer is remembered late', 'late'],
  ] as const)('I5: also where %s', async (_, fault) => {
    const [one, other] = await servers(3);
    one.ledger.fail(fault, (writes) => isKeyItem(writes) && writes[0]?.action === 'update');
    const first = await sendKeyed(one, values);
    expect(await sendKeyed(other, values)).toEqual(first);
    await one.ledger.deliver();
    expect(await sendKeyed(other, values)).toEqual(first);
    expect((await everything(other, 3)).sort()).toEqual(values);
  });

  it('I5: under way at two servers in the same moment: both tell the same', async () => {
    const [one, other] = await servers(3);
    const [first, second] = await Promise.all([sendKeyed(one, values), sendKeyed(other, values)]);
    expect(first).toEqual(second);
    expect((await everything(other, 3)).sort()).toEqual(values);
  });

  it('I5: whose commit, or key, had its answer lost or came late', async () => {
    for (const of of [isKeyItem, undefined]) {
      for (const fault of ['answer lost', 'late', 'throttled'] as const) {
        const [one, other] = await servers(2);
        one.ledger.fail(fault, of);
        const first = await sendKeyed(one, values);
        await one.ledger.deliver();
        expect(await sendKeyed(other, values)).toEqual(first);
        expect((await everything(other, 2)).sort()).toEqual(values);
      }
    }
  });

  it('I5: keeps its places though the topic has grown, also at a server that does not know it yet', async () => {
    for (const sender of [sendKeyed, sendSticky]) {
      const [one, other] = await servers(3);
      const stale = await testBroker({ ledger: one.ledger, objects: one.objects });
      await stale.topics.resolve('t');
      one.ledger.fail('full', (writes) => isKeyItem(writes) && writes[0]?.action === 'update');
      const first = await sender(one, values);
      await alterTopic(one, { name: 't', partitions: 7 });
      expect(await sender(other, values)).toEqual(first);
      expect(await sender(stale, values)).toEqual(first);
      expect((await everything(other, 7)).sort()).toEqual(values);
    }
  });

  it('I5: placed in a topic that has grown, and sent again to a server that remembers it small', async () => {
    const [one, other] = await servers(1);
    await other.topics.resolve('t');
    await alterTopic(one, { name: 't', partitions: 5 });
    one.topics.forget('t');
    const first = await sendKeyed(one, values);
    expect(first.results.length).toBeGreaterThan(1);
    expect(await sendKeyed(other, values)).toEqual(first);
  });

  it('I5: completes what failed, and leaves what stands', async () => {
    const [one, other] = await servers(3);
    one.ledger.fail('full');
    const first = await sendKeyed(one, values);
    const failed = first.results.filter((result) => 'error' in result);
    expect(failed).toHaveLength(1);
    const again = await sendKeyed(other, values);
    for (const result of first.results) if (!('error' in result)) expect(again.results).toContainEqual(result);
    expect(again.results.every((result) => 'baseOffset' in result)).toBe(true);
    expect((await everything(other, 3)).sort()).toEqual(values);
  });

  it('with an expected offset: whether it stands is asked first', async () => {
    const broker = await brokerWithTopic();
    const options = { partition: 0, expectedOffset: 0 };
    broker.ledger.fail('full', (writes) => isKeyItem(writes) && writes[0]?.action === 'update');
    expect(await outcome(sendKeyed(broker, ['a'], options))).toBe(0);
    await send(broker, ['later']);
    expect(await outcome(sendKeyed(broker, ['a'], options))).toBe(0);
    expect(await outcome(sendKeyed(broker, ['a'], { ...options, key: 'another' }))).toBe('offset_mismatch');
  });

  it('as record batches', async () => {
    const broker = await brokerWithTopic();
    const body = () => new Uint8Array(encodeBatch([{ value: Buffer.from('a') }], 1000));
    const sendBatch = (producer?: { id: number; epoch: number; sequence: number }) =>
      appendBatches(broker, {
        topic: 't',
        partition: 0,
        body: producer === undefined ? body() : new Uint8Array(encodeBatch([{ value: Buffer.from('a') }], 1000, producer)),
        idempotencyKey: { text: 'key', fingerprint: fingerprintOf(['a']) },
      });
    expect([await outcome(sendBatch()), await outcome(sendBatch())]).toEqual([0, 0]);
    await expect(sendBatch({ id: 1, epoch: 0, sequence: 0 })).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await readAll(broker)).toEqual(['a']);
  });
});

describe('another request', () => {
  it('I4: under a key that was used is refused, with nothing written', async () => {
    const [one, other] = await servers(2);
    await sendKeyed(one, ['a']);
    await expect(sendKeyed(other, ['b'])).rejects.toMatchObject({ code: 'idempotency_key_reused', sideEffects: 'none' });
    expect(await everything(other, 2)).toEqual(['a']);
  });

  it('under a key of its own is another one, also of the same body', async () => {
    const broker = await brokerWithTopic();
    expect(await outcome(sendKeyed(broker, ['a']))).toBe(0);
    expect(await outcome(sendKeyed(broker, ['a'], { key: 'another' }))).toBe(1);
  });

  it('to a topic made again under the name is another one', async () => {
    const [one, other] = await servers(1);
    await sendKeyed(other, ['a']);
    await deleteTopic(one, 't');
    await createTopic(one, { name: 't', partitions: 1 });
    const again = await sendKeyed(other, ['a']);
    expect(again.results).toMatchObject([{ baseOffset: 0 }]);
    expect(await readAll(one)).toEqual(['a']);
  });

  it('I4: what is refused as bad input uses no key', async () => {
    const broker = await brokerWithTopic();
    await expect(sendKeyed(broker, ['x'.repeat(2 ** 21)])).rejects.toMatchObject({ code: 'record_too_large' });
    expect(broker.ledger.sent.filter(isKeyItem)).toEqual([]);
    expect(await outcome(sendKeyed(broker, ['a']))).toBe(0);
  });
});

it('I5: no answer is remembered before its records stand', async () => {
  const [one, other] = await servers(1);
  // Each send of the commit is delivered late, and the broker gives up.
  for (let i = 0; i < 40; i++) one.ledger.fail('late');
  expect(await outcome(sendKeyed(one, ['a']))).toBe('append_unknown');
  expect(one.ledger.sent.flat().some((write) => isKeyItem([write]) && write.action === 'update')).toBe(false);
  expect(await outcome(sendKeyed(other, ['a']))).toBe(0);
  await one.ledger.deliver();
  expect(await readAll(other)).toEqual(['a']);
});

it('a key is known for days, and as long as its item is there', async () => {
  const clock = movedClock();
  const broker = await brokerWithTopic({ clock });
  expect(await outcome(sendKeyed(broker, ['a']))).toBe(0);
  clock.move(86_400_000);
  expect(await removeExpired(broker)).toBe(0);
  expect(await outcome(sendKeyed(broker, ['a']))).toBe(0);
  clock.move(2 * 86_400_000 + 1_000);
  expect(await outcome(sendKeyed(broker, ['a']))).toBe(0);
  expect(await removeExpired(broker)).toBe(1);
  await expect(sendKeyed(broker, ['b'])).resolves.toBeDefined();
});
