// Idempotent producers: what is sent again adds nothing, whatever happened in between; what comes too early or from an
// old epoch is refused; and the others of its commit stand once.
import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { appendBatches } from '../../src/broker/append.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { deleteTopic } from '../../src/broker/delete-topic.ts';
import { removeExpired } from '../../src/broker/expire.ts';
import { runDueWork } from '../../src/broker/run-work.ts';
import { headKey, producerName, spilledProducersKey } from '../../src/log/keys.ts';
import { encodeBatch } from '../support/record-batch.ts';
import { brokerWithTopic, isRotate, isSeal, movedClock, outcome, readAll, send, type TestBroker, testBroker } from '../support/test-broker.ts';

const producer = (sequence: number, { id = 7, epoch = 0 } = {}) => ({ producer: { id, epoch, sequence } });
const topicIdOf = async (broker: TestBroker) => (await broker.topics.resolve('t')).id;

async function headOf(broker: TestBroker) {
  const [item] = await broker.ledger.read([headKey(await topicIdOf(broker), 0)], { strong: true });
  return item ?? {};
}

/** So many commits of others that whoever appended before leaves the head. */
const others = 24;
async function passWindow(broker: TestBroker): Promise<void> {
  for (let i = 0; i < others; i++) {
    await send(broker, [`other ${i}`]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const own = async (broker: TestBroker) => (await readAll(broker)).filter((value) => !value?.startsWith('other'));

describe('sent again', () => {
  it('I5: gets its first offsets, as the newest; an older one is told to stand', async () => {
    const broker = await brokerWithTopic();
    await send(broker, ['other']);
    expect(await outcome(send(broker, ['a', 'b'], producer(0)))).toBe(1);
    expect(await outcome(send(broker, ['a', 'b'], producer(0)))).toBe(1);
    expect(await outcome(send(broker, ['c'], producer(2)))).toBe(3);
    expect(await outcome(send(broker, ['a', 'b'], producer(0)))).toBe('duplicate');
    expect(await outcome(send(broker, ['c'], producer(2)))).toBe(3);
    expect(await readAll(broker)).toEqual(['other', 'a', 'b', 'c']);
    expect(broker.counts.repeats).toBe(3);
  });

  it('I5: also when the partition has long gone on, at another server, and from its spilled state', async () => {
    const shared = memoryLedger();
    const broker = await brokerWithTopic({ ledger: shared });
    const other = await testBroker({ ledger: shared, objects: broker.objects });
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe(0);
    await passWindow(broker);
    expect((await headOf(broker))['pm']).toEqual({});
    expect((await shared.scan({ pk: spilledProducersKey(await topicIdOf(broker), 0), limit: 10, strong: true })).items.map(({ sk }) => sk)).toEqual([producerName(7)]);
    expect(await outcome(send(other, ['a'], producer(0)))).toBe(0);
    expect(await outcome(send(other, ['c'], producer(2)))).toBe('out_of_order_sequence');
    expect(await outcome(send(other, ['b'], producer(1)))).toBe(others + 1);
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe(others + 1);
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe('duplicate');
    await passWindow(other);
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe(others + 1);
    expect(await own(broker)).toEqual(['a', 'b']);
  });

  it('I5: in the same moment, to one server and to another', async () => {
    const shared = memoryLedger();
    const broker = await brokerWithTopic({ ledger: shared });
    const other = await testBroker({ ledger: shared, objects: broker.objects });
    const all = [broker, broker, other, other, broker].map((one) => outcome(send(one, ['a'], producer(0))));
    expect(await Promise.all(all)).toEqual([0, 0, 0, 0, 0]);
    expect(await readAll(broker)).toEqual(['a']);
  });

  it('I5: with the answer lost, with the write delivered late, with both', async () => {
    const broker = await brokerWithTopic();
    for (const [i, fault] of (['answer lost', 'late', 'answer lost', 'late'] as const).entries()) {
      broker.ledger.fail(fault);
      expect(await outcome(send(broker, [`${i}`], producer(i)))).toBe(i);
      if (i > 1) await broker.ledger.deliver();
      expect(await outcome(send(broker, [`${i}`], producer(i)))).toBe(i);
    }
    await broker.ledger.deliver();
    expect(await readAll(broker)).toEqual(['0', '1', '2', '3']);
  });

  it('tells the time that the first was given', async () => {
    const broker = await brokerWithTopic();
    const first = (await send(broker, ['a'], producer(0))).results[0];
    expect((await send(broker, ['a'], producer(0))).results[0]).toEqual(first);
  });

  it('as a record batch, which names its producer itself', async () => {
    const broker = await brokerWithTopic();
    const batch = (sequence: number, count: number, epoch = 3) =>
      encodeBatch(
        Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`${sequence + i}`) })),
        1000,
        { id: 9, epoch, sequence },
      );
    const sendBatches = (...batches: Buffer[]) => outcome(appendBatches(broker, { topic: 't', partition: 0, body: new Uint8Array(Buffer.concat(batches)) }));
    expect(await sendBatches(batch(0, 2), batch(2, 3))).toBe(0);
    expect(await sendBatches(batch(0, 2), batch(2, 3))).toBe(0);
    expect(await sendBatches(batch(2, 3))).toBe('duplicate');
    expect(await sendBatches(batch(5, 1))).toBe(5);
    await expect(sendBatches(batch(6, 1), batch(8, 1))).rejects.toMatchObject({ code: 'invalid_batch' });
    await expect(sendBatches(batch(6, 1), batch(7, 1, 4))).rejects.toMatchObject({ code: 'invalid_batch' });
    await expect(sendBatches(batch(6, 1), encodeBatch([{ value: Buffer.from('x') }], 1000))).rejects.toMatchObject({ code: 'invalid_batch' });
    expect(await readAll(broker)).toEqual(['0', '1', '2', '3', '4', '5']);
  });
});

describe('refused', () => {
  it('I4, I6: a gap, also the first batch of all, with nothing written; when what was missing has come it is taken', async () => {
    const broker = await brokerWithTopic();
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe('out_of_order_sequence');
    const [early, first] = [send(broker, ['b'], producer(1)), send(broker, ['a'], producer(0))];
    expect([await outcome(early), await outcome(first)]).toEqual(['out_of_order_sequence', 0]);
    expect(await outcome(send(broker, ['c'], producer(2)))).toBe('out_of_order_sequence');
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe(1);
    expect(await readAll(broker)).toEqual(['a', 'b']);
  });

  it('I6: a gap is not told from an old view of the head', async () => {
    const shared = memoryLedger();
    const broker = await brokerWithTopic({ ledger: shared, policy: { viewMaxAgeMs: Number.POSITIVE_INFINITY } });
    const other = await testBroker({ ledger: shared, objects: broker.objects });
    await send(broker, ['a'], producer(0));
    await send(other, ['b'], producer(1));
    expect(await outcome(send(broker, ['c'], producer(2)))).toBe(2);
  });

  it('I8: an old epoch, from the first batch of a newer one on', async () => {
    const broker = await brokerWithTopic();
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe(0);
    expect(await outcome(send(broker, ['new'], producer(1, { epoch: 1 })))).toBe('out_of_order_sequence');
    expect(await outcome(send(broker, ['new'], producer(0, { epoch: 1 })))).toBe(1);
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe('producer_fenced');
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe('producer_fenced');
    await passWindow(broker);
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe('producer_fenced');
    expect(await own(broker)).toEqual(['a', 'new']);
  });

  it('I8: the late write of an old epoch', async () => {
    const broker = await brokerWithTopic();
    await send(broker, ['a'], producer(0));
    broker.ledger.fail('late');
    broker.ledger.fail('full');
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe('append_unknown');
    await send(broker, ['new'], producer(0, { epoch: 1 }));
    await broker.ledger.deliver();
    expect(await readAll(broker)).toEqual(['a', 'new']);
  });
});

describe('one of a commit', () => {
  it('I5: that stands, or comes too early, is left out, and the others stand once', async () => {
    const shared = memoryLedger();
    const broker = await brokerWithTopic({ ledger: shared, policy: { viewMaxAgeMs: Number.POSITIVE_INFINITY } });
    const other = await testBroker({ ledger: shared, objects: broker.objects });
    await send(broker, ['a'], producer(0));
    // What the broker saw is old by now: it learns from the refusal.
    await send(other, ['b'], producer(1));
    const first = send(broker, ['holds the lane']);
    const together = [
      send(broker, ['x']),
      send(broker, ['b'], producer(1)),
      send(broker, ['gap'], producer(5)),
      send(broker, ['y'], producer(0, { id: 8 })),
      send(broker, ['y2'], producer(1, { id: 8 })),
    ];
    expect(await outcome(first)).toBe(2);
    expect(await Promise.all(together.map(outcome))).toEqual([3, 1, 'out_of_order_sequence', 4, 5]);
    expect(await readAll(broker)).toEqual(['a', 'b', 'holds the lane', 'x', 'y', 'y2']);
  });

  it('I5: a late write of the whole does not land beside the rest', async () => {
    const shared = memoryLedger();
    const broker = await brokerWithTopic({ ledger: shared, policy: { viewMaxAgeMs: Number.POSITIVE_INFINITY } });
    const other = await testBroker({ ledger: shared, objects: broker.objects });
    await send(broker, ['a'], producer(0));
    broker.ledger.fail('late');
    const together = [send(broker, ['x']), send(broker, ['b'], producer(1))];
    await send(other, ['b'], producer(1));
    expect(await Promise.all(together.map(outcome))).toEqual([2, 1]);
    await broker.ledger.deliver();
    expect(await readAll(broker)).toEqual(['a', 'b', 'x']);
  });

  it('no more than 16 producers share one', async () => {
    const broker = await brokerWithTopic();
    const held = send(broker, ['holds the lane']);
    const all = Array.from({ length: 40 }, (_, id) => send(broker, [`${id}`], producer(0, { id })));
    await Promise.all([held, ...all]);
    const appends = broker.ledger.sent.flat().filter((write) => write.action === 'update' && write.changes.some(({ path }) => path === 'cn'));
    expect(appends.map((write) => write.guards.length - 6)).toEqual([16, 16, 8]);
    expect(await readAll(broker)).toHaveLength(41);
  });
});

describe('what is known of a producer', () => {
  it('stays in the head where it could not be spilled, and the rotation goes on', async () => {
    const broker = await brokerWithTopic();
    await send(broker, ['a'], producer(0));
    const isSpill = (writes: readonly { key: { pk: string } }[]) => writes.some(({ key }) => key.pk.endsWith('#S'));
    for (let i = 0; i < 2; i++) broker.ledger.fail('throttled', isSpill);
    await passWindow(broker);
    expect(broker.counts.rotations).toBeGreaterThan(1);
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe(0);
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe(others + 1);
  });

  it('survives a rotation whose answer was lost, or that is carried out again later', async () => {
    const broker = await brokerWithTopic();
    for (let sequence = 0; sequence < 6; sequence++) {
      broker.ledger.fail(sequence % 2 === 0 ? 'answer lost' : 'late', sequence % 3 === 0 ? isSeal : isRotate);
      expect(await outcome(send(broker, [`${sequence}`], producer(sequence)))).toBeTypeOf('number');
      await passWindow(broker);
      await broker.ledger.deliver();
      expect(await outcome(send(broker, [`${sequence}`], producer(sequence)))).toBeTypeOf('number');
    }
    expect(await own(broker)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('is gone with its topic, and a topic made again knows nothing of it', async () => {
    const broker = await brokerWithTopic();
    await send(broker, ['a'], producer(0));
    await passWindow(broker);
    const before = await topicIdOf(broker);
    await deleteTopic(broker, 't');
    await runDueWork(broker);
    expect((await broker.ledger.scan({ pk: spilledProducersKey(before, 0), limit: 10, strong: true })).items).toEqual([]);
    await createTopic(broker, { name: 't', partitions: 1 });
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe('out_of_order_sequence');
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe(0);
  });

  it('expires after days in which it sent nothing, and not before; then it begins anew', async () => {
    const clock = movedClock();
    const broker = await brokerWithTopic({ clock });
    await send(broker, ['a'], producer(0));
    await passWindow(broker);
    clock.move(7 * 86_400_000 - 2_000);
    expect(await removeExpired(broker)).toBe(0);
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe(0);
    clock.move(4_000);
    expect(await outcome(send(broker, ['a'], producer(0)))).toBe(0);
    expect(await removeExpired(broker)).toBe(1);
    expect(await outcome(send(broker, ['b'], producer(1)))).toBe('out_of_order_sequence');
    expect(await outcome(send(broker, ['b'], producer(0, { epoch: 1 })))).toBe(others + 1);
  });
});
