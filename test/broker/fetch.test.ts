// What a reader promises: nothing skipped, nothing twice, damage never served, and news at once.
import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { alterTopic } from '../../src/broker/alter-topic.ts';
import { appendRecords } from '../../src/broker/append.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { deleteTopic } from '../../src/broker/delete-topic.ts';
import { fetchBatches, fetchRecords } from '../../src/broker/fetch.ts';
import { fetchTopic } from '../../src/broker/fetch-topic.ts';
import type { Start } from '../../src/broker/find-offset.ts';
import { listOffsets } from '../../src/broker/list-offsets.ts';
import type { Item } from '../../src/log/write.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import type { WadiError } from '../../src/record/errors.ts';
import { brokerWithTopic, isRotate, movedClock, readAll, record, send, testBroker, text } from '../support/test-broker.ts';

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `v${from + i}`);
const budget = { maxBytes: 100_000, maxRecords: 1000 };
const fetch = (broker: Broker, start: Start, options: { waitMs?: number; maxRecords?: number; maxBytes?: number; signal?: AbortSignal; topicId?: string } = {}) =>
  fetchRecords(broker, { topic: 't', partition: 0, start, budget: { ...budget, ...options }, waitMs: options.waitMs ?? 0, signal: options.signal, topicId: options.topicId });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: WadiError) => error.code,
  );

it('a topic that another process made again is read, though its predecessor is remembered here', async () => {
  const stores = { ledger: memoryLedger(), objects: memoryObjectStore(() => 0) };
  const [broker, elsewhere] = [await brokerWithTopic(stores), await testBroker(stores)];
  await send(broker, ['old']);
  expect((await fetch(broker, { at: 'earliest' })).records).toHaveLength(1);
  await deleteTopic(elsewhere, 't');
  expect(await codeOf(fetch(broker, { at: 'earliest' }))).toBe('topic_not_found');
  await createTopic(elsewhere, { name: 't', partitions: 1 });
  const { topicId } = await fetch(broker, { at: 'earliest' });
  await deleteTopic(elsewhere, 't');
  await createTopic(elsewhere, { name: 't', partitions: 1 });
  await send(elsewhere, ['new']);
  expect((await fetch(broker, { at: 'earliest' })).records.map(({ value }) => text(value))).toEqual(['new']);
  expect((await fetchTopic(broker, { topic: 't', from: { start: { at: 'earliest' } }, budget, waitMs: 0 })).records).toHaveLength(1);
  await deleteTopic(elsewhere, 't');
  await createTopic(elsewhere, { name: 't', partitions: 1 });
  expect((await fetchTopic(broker, { topic: 't', from: { start: { at: 'earliest' } }, budget, waitMs: 0 })).records).toEqual([]);
  expect(await codeOf(fetch(broker, { at: 'earliest' }, { topicId }))).toBe('topic_recreated');
});

it('reads only the head of a log whose start is remembered, and still notices that it is gone', async () => {
  const inner = memoryLedger();
  const read: string[] = [];
  const ledger: typeof inner = {
    ...inner,
    read(keys, options) {
      read.push(...keys.map(({ sk }) => sk));
      return inner.read(keys, options);
    },
  };
  const broker = await brokerWithTopic({ ledger, policy: { startMaxAgeMs: 1e9 } });
  const elsewhere = await testBroker({ ledger: inner });
  await send(broker, numbers(3));
  await fetch(broker, { at: 'earliest' });
  read.length = 0;
  expect(await fetch(broker, { at: 'earliest' })).toMatchObject({ startOffset: 0, endOffset: 3 });
  expect(read).toEqual(['H']);
  await deleteTopic(elsewhere, 't');
  expect(await codeOf(fetch(broker, { at: 'earliest' }))).toBe('topic_not_found');
});

it('I7: a page of payloads that come slowly ends with what it has, and the next one goes on', async () => {
  const clock = movedClock();
  const objects = memoryObjectStore(() => 0);
  const slow: ObjectStore = {
    ...objects,
    read(...args) {
      clock.move(2_000);
      return objects.read(...args);
    },
  };
  const shared = { ledger: memoryLedger(), policy: { inlineMaxBytes: 0 } };
  const writer = await brokerWithTopic({ ...shared, objects });
  for (const value of ['0', '1', '2', '3', '4', '5', '6']) await send(writer, [value]);
  // Whoever stored them has them in memory.
  const reader = await testBroker({ ...shared, objects: slow, clock });
  const pages: string[] = [];
  for (let offset = 0; offset < 7; ) {
    const page = await fetchRecords(reader, { topic: 't', partition: 0, start: { at: 'offset', offset }, budget: { maxBytes: 100_000, maxRecords: 1000 }, waitMs: 0 });
    pages.push(page.records.map(({ value }) => text(value)).join(''));
    offset = page.nextOffset;
  }
  expect(pages).toEqual(['012', '345', '6']);
});

describe('I7: following nextOffset', () => {
  it.each([1, 3, 7, 1000])('skips nothing and sees nothing twice, %i records a page', async (maxRecords) => {
    const broker = await brokerWithTopic({ policy: { inlineMaxBytes: 120 } });
    for (let i = 0; i < 60; i += 3) await send(broker, numbers(3, i));
    const seen: (string | null)[] = [];
    for (let offset = 0; offset < 60; ) {
      const page = await fetch(broker, { at: 'offset', offset }, { maxRecords });
      expect(page.records.length).toBeGreaterThan(0);
      expect(page.records.length).toBeLessThanOrEqual(maxRecords);
      seen.push(...page.records.map(({ value }) => text(value)));
      offset = page.nextOffset;
    }
    expect(seen).toEqual(numbers(60));
  });

  it('a record larger than maxBytes is still answered', async () => {
    const broker = await brokerWithTopic();
    await send(broker, ['x'.repeat(5000), 'y']);
    const page = await fetch(broker, { at: 'earliest' }, { maxBytes: 10 });
    expect(page.records).toHaveLength(1);
    expect(page.nextOffset).toBe(1);
  });

  it('a page of a compressed batch is bounded by what it becomes', async () => {
    const broker = await testBroker();
    await createTopic(broker, { name: 't', config: { 'compression.type': 'zstd' } });
    await appendRecords(broker, { topic: 't', partition: 0, records: () => Array.from({ length: 100 }, () => record('z'.repeat(1000))) });
    const page = await fetch(broker, { at: 'earliest' }, { maxBytes: 5000 });
    expect(page.records).toHaveLength(5);
    expect(page.nextOffset).toBe(5);
  });

  it('headers count as what they are', async () => {
    const broker = await testBroker();
    await createTopic(broker, { name: 't', config: { 'compression.type': 'zstd' } });
    const heavy = { ...record('v'), headers: [[new Uint8Array(1), new Uint8Array(10_000)]] as const };
    await appendRecords(broker, { topic: 't', partition: 0, records: () => Array.from({ length: 50 }, () => heavy) });
    expect((await fetch(broker, { at: 'earliest' }, { maxBytes: 50_000 })).records).toHaveLength(4);
    const page = await fetchTopic(broker, { topic: 't', from: { start: { at: 'earliest' } }, budget: { maxBytes: 50_000, maxRecords: 1000 }, waitMs: 0 });
    expect(page.records).toHaveLength(4);
  });

  it('batches come whole, from the one that holds the offset', async () => {
    const broker = await brokerWithTopic();
    await send(broker, numbers(10));
    await send(broker, numbers(10, 10));
    const page = await fetchBatches(broker, { topic: 't', partition: 0, start: { at: 'offset', offset: 5 }, budget: { maxBytes: 1, maxRecords: 1 }, waitMs: 0 });
    expect(page.batches.map(({ baseOffset, recordCount }) => [baseOffset, recordCount])).toEqual([[0, 10]]);
    expect(page.nextOffset).toBe(10);
  });
});

describe('where a reader begins', () => {
  it('earliest, latest, before the end, and beyond either end', async () => {
    const broker = await brokerWithTopic();
    await send(broker, numbers(5));
    expect((await fetch(broker, { at: 'earliest' })).records).toHaveLength(5);
    expect((await fetch(broker, { at: 'latest' })).nextOffset).toBe(5);
    expect((await fetch(broker, { at: 'last', records: 2 })).records.map(({ offset }) => offset)).toEqual([3, 4]);
    expect((await fetch(broker, { at: 'last', records: 99 })).records).toHaveLength(5);
    expect(await codeOf(fetch(broker, { at: 'offset', offset: 6 }))).toBe('offset_out_of_range');
    expect((await fetch(broker, { at: 'offset', offset: 5 })).records).toEqual([]);
  });

  it('at the first record of a time, wherever it stands and whatever the order of the timestamps', async () => {
    const broker = await brokerWithTopic({ policy: { inlineMaxBytes: 100 } });
    let seed = 7;
    const stamps: number[] = [];
    for (let i = 0; i < 150; i++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      stamps.push((seed % 500) + i * 5);
    }
    for (let i = 0; i < stamps.length; i += 3) await appendRecords(broker, { topic: 't', partition: 0, records: () => stamps.slice(i, i + 3).map((stamp) => record('x', stamp)) });
    for (let time = 0; time < 1300; time += 13) {
      const first = stamps.findIndex((stamp) => stamp >= time);
      const { offsets } = await listOffsets(broker, 't', { at: 'timestamp', timestamp: time });
      expect(offsets[0]?.offset, `time ${time}`).toBe(first < 0 ? stamps.length : first);
    }
  });
});

describe('waiting', () => {
  it('an append wakes a reader that waits', async () => {
    // This clock's timers never fire: only a wake-up can end the wait.
    const still = { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} };
    const broker = await brokerWithTopic({ clock: still });
    const waiting = fetch(broker, { at: 'latest' }, { waitMs: 1000 });
    while (broker.waiters === 0) await new Promise((resolve) => setImmediate(resolve));
    await send(broker, ['a']);
    expect((await waiting).records).toHaveLength(1);
    expect(broker.waiters).toBe(0);
  });

  it('ends with an empty page, and leaves nothing behind', async () => {
    const broker = await brokerWithTopic();
    const page = await fetch(broker, { at: 'latest' }, { waitMs: 1000 });
    expect(page.records).toEqual([]);
    expect(broker.waiters).toBe(0);
  });

  it('ends when the reader is gone', async () => {
    const still = { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} };
    const broker = await brokerWithTopic({ clock: still });
    const gone = new AbortController();
    const waiting = fetch(broker, { at: 'latest' }, { waitMs: 1000, signal: gone.signal });
    while (broker.waiters === 0) await new Promise((resolve) => setImmediate(resolve));
    gone.abort();
    expect((await waiting).records).toEqual([]);
    expect(broker.waiters).toBe(0);
  });

  it('a deletion wakes it and says so', async () => {
    const broker = await brokerWithTopic({ clock: { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} } });
    const waiting = codeOf(fetch(broker, { at: 'latest' }, { waitMs: 1000 }));
    while (broker.waiters === 0) await new Promise((resolve) => setImmediate(resolve));
    await deleteTopic(broker, 't');
    expect(await waiting).toBe('topic_not_found');
  });
});

describe('all partitions', () => {
  const read = (broker: Broker, from: { cursor: string } | { start: Start }, maxRecords = 1000) => fetchTopic(broker, { topic: 't', from, budget: { ...budget, maxRecords }, waitMs: 0 });

  it('I7: a cursor skips nothing and sees nothing twice, and reads a partition that was added from 0', async () => {
    const broker = await testBroker();
    await createTopic(broker, { name: 't', partitions: 3 });
    for (let i = 0; i < 30; i++) await send(broker, [`p${i % 3} ${i}`], { partition: i % 3 });
    const seen: string[] = [];
    let page = await read(broker, { start: { at: 'earliest' } }, 4);
    for (;;) {
      seen.push(...page.records.map(({ partition, offset }) => `${partition}:${offset}`));
      if (page.records.length === 0) break;
      page = await read(broker, { cursor: page.cursor }, 4);
    }
    expect(seen).toHaveLength(30);
    expect(new Set(seen).size).toBe(30);
    await alterTopic(broker, { name: 't', partitions: 4 });
    await send(broker, ['new'], { partition: 3 });
    page = await read(broker, { cursor: page.cursor });
    expect(page.records.map(({ partition, offset }) => [partition, offset])).toEqual([[3, 0]]);
  });

  it('no partition starves another', async () => {
    const broker = await testBroker();
    await createTopic(broker, { name: 't', partitions: 2 });
    await send(broker, numbers(500), { partition: 0 });
    await send(broker, ['other'], { partition: 1 });
    const first = await read(broker, { start: { at: 'earliest' } }, 10);
    const second = await read(broker, { cursor: first.cursor }, 10);
    expect(second.records[0]?.partition).toBe(1);
  });

  it('an earlier topic of the same name is told from this one', async () => {
    const broker = await brokerWithTopic();
    const { cursor, topicId } = await read(broker, { start: { at: 'earliest' } });
    await deleteTopic(broker, 't');
    await createTopic(broker, { name: 't' });
    expect(await codeOf(read(broker, { cursor }))).toBe('topic_recreated');
    expect(await codeOf(fetch(broker, { at: 'earliest' }, { topicId }))).toBe('topic_recreated');
    expect(await codeOf(read(broker, { cursor: 'nonsense' }))).toBe('invalid_cursor');
  });
});

describe('I14: damage is loud', () => {
  const flipped = (value: Uint8Array, at: number) => value.map((byte, i) => (i === at ? byte ^ 1 : byte));

  it('any byte that is flipped inline is refused by name, and neighbours stay readable', async () => {
    const ledger = memoryLedger();
    const writer = await brokerWithTopic({ ledger });
    await send(writer, ['first']);
    await send(writer, ['second']);
    const payload = writer.ledger.sent.flat().filter(({ key }) => key.pk.startsWith('L0#'))[0];
    if (payload?.action !== 'put') throw new Error('no payload');
    const good = payload.item['b'] as Uint8Array;
    for (let at = 0; at < good.length; at++) {
      // Offsets and epoch of a stored batch mean nothing, and are outside the checksum.
      if (at < 8 || (at >= 12 && at < 16)) continue;
      const item: Item = { ...payload.item, b: flipped(good, at) };
      await ledger.write({ ...payload, item });
      const reader = await testBroker({ ledger });
      expect(await codeOf(fetch(reader, { at: 'earliest' })), `byte ${at}`).toBe('storage_corrupt');
      expect(text((await fetch(reader, { at: 'offset', offset: 1 })).records[0]?.value ?? null)).toBe('second');
    }
  });

  it('an object that is damaged, cut off or missing is refused by name', async () => {
    const ledger = memoryLedger();
    const inner = memoryObjectStore(() => 0);
    let damage = (stored: Uint8Array | undefined): Uint8Array | undefined => stored;
    const objects: ObjectStore = { ...inner, read: async (key, range) => damage(await inner.read(key, range)) };
    const writer = await brokerWithTopic({ ledger, objects, policy: { inlineMaxBytes: 0 } });
    await send(writer, ['value']);
    const damages: (typeof damage)[] = [(stored) => stored && flipped(stored, 70), (stored) => stored?.subarray(0, 40), () => undefined];
    for (damage of damages) expect(await codeOf(fetch(await testBroker({ ledger, objects }), { at: 'earliest' }))).toBe('storage_corrupt');
    damage = (stored) => stored;
    expect(await readAll(await testBroker({ ledger, objects }))).toEqual(['value']);
  });
});

it('a reader that meets a rotation half done reads on', async () => {
  const broker = await brokerWithTopic();
  broker.ledger.fail('late', isRotate);
  for (const value of numbers(30)) await send(broker, [value]);
  await broker.ledger.deliver();
  expect(await readAll(broker)).toEqual(numbers(30));
});
