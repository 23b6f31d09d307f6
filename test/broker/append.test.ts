// What an append promises when answers are lost, writes arrive late and others write at the same time.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { appendRecords } from '../../src/broker/append.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { headKey } from '../../src/log/keys.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { encodeBatches } from '../../src/record/batch-encode.ts';
import { brokerWithTopic, isRotate, isSeal, outcome, readAll, record, send, testBroker } from '../support/test-broker.ts';

function withoutImages(): Ledger {
  const inner = memoryLedger();
  return {
    ...inner,
    async writeAll(writes) {
      const outcome = await inner.writeAll(writes);
      return outcome.applied ? { applied: true, items: undefined } : outcome;
    },
  };
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `v${from + i}`);

describe.each([
  ['together with their commit', { policy: { inlineMaxBytes: 1_000_000 } }],
  ['together with their commit, where a store tells no images of writes together', { policy: { inlineMaxBytes: 1_000_000 }, ledger: withoutImages }],
  ['in the ledger before their commit', { policy: { inlineMaxBytes: 1_000_000, inlineTogether: false } }],
  ['as objects', { policy: { inlineMaxBytes: 0 } }],
] as const)('payloads %s', (_, { policy, ...more }) => {
  const start = () => brokerWithTopic({ policy, ...('ledger' in more ? { ledger: more.ledger() } : {}) });

  it('I1: offsets are dense over many rotations', async () => {
    const broker = await start();
    for (const value of numbers(100)) await send(broker, [value]);
    expect(broker.counts.rotations).toBeGreaterThan(8);
    expect(await readAll(broker)).toEqual(numbers(100));
  });

  it('I3: a commit whose answer was lost is acknowledged by the resend, at the same offset, once', async () => {
    const broker = await start();
    await send(broker, ['a']);
    broker.ledger.fail('answer lost');
    expect(await outcome(send(broker, ['b', 'c']))).toBe(1);
    expect(await readAll(broker)).toEqual(['a', 'b', 'c']);
  });

  it('I1: a write that arrives after its resend was acknowledged adds nothing', async () => {
    const broker = await start();
    broker.ledger.fail('late');
    expect(await outcome(send(broker, ['a']))).toBe(0);
    await broker.ledger.deliver();
    expect(await readAll(broker)).toEqual(['a']);
  });

  it('I1: a write that arrives when the head no longer lists its commit adds nothing', async () => {
    const broker = await start();
    broker.ledger.fail('late');
    await send(broker, ['a']);
    for (const value of numbers(40)) await send(broker, [value]);
    await broker.ledger.deliver();
    expect(await readAll(broker)).toEqual(['a', ...numbers(40)]);
  });

  it('I1: what arrives while a commit is in flight is one commit, in order', async () => {
    const broker = await start();
    const answers = await Promise.all(numbers(50).map((value) => outcome(send(broker, [value]))));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(broker.counts.commits).toBeLessThanOrEqual(2);
    expect(await readAll(broker)).toEqual(numbers(50));
  });
});

it.each([
  ['in the ledger', 1_000_000],
  ['as an object', 0],
])('I3, I10: a payload that is stored %s first is there before its commit is sent', async (_, inlineMaxBytes) => {
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  const [ledger, objects] = [memoryLedger(), memoryObjectStore(() => 0)];
  const broker = await brokerWithTopic({
    policy: { inlineMaxBytes, inlineTogether: false },
    // No time passes, so nothing is given up.
    clock: { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} },
    ledger: { ...ledger, write: async (write) => (write.key.pk.startsWith('L0#') ? isReleased.then(() => ledger.write(write)) : ledger.write(write)) },
    objects: { ...objects, create: (key, bytes) => isReleased.then(() => objects.create(key, bytes)) },
  });
  const before = broker.ledger.sent.length;
  const answer = outcome(send(broker, ['a']));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(
    broker.ledger.sent
      .slice(before)
      .flat()
      .filter(({ key }) => key.sk === 'H'),
  ).toEqual([]);
  release();
  expect(await answer).toBe(0);
  expect(await readAll(broker)).toEqual(['a']);
});

it('a commit that landed before the window passed is found in the sealed runs', async () => {
  const shared = { ledger: memoryLedger(), objects: memoryObjectStore(() => 0) };
  const slow = await testBroker(shared);
  await createTopic(slow, { name: 't' });
  const fast = await testBroker(shared);
  // The answer is lost, and before the resend the other broker rotates the commit out of the head.
  slow.ledger.fail('answer lost');
  const through = slow.ledger.writeAll;
  let sends = 0;
  slow.ledger.writeAll = async (writes) => {
    if (++sends === 2) for (const value of numbers(40)) await send(fast, [value]);
    return through(writes);
  };
  expect(await outcome(send(slow, ['mine']))).toBe(0);
  expect(slow.counts.windowPassed).toBe(1);
  expect(await readAll(fast)).toEqual(['mine', ...numbers(40)]);
});

it('a commit that did not land before the window passed is sent again, once', async () => {
  const shared = { ledger: memoryLedger(), objects: memoryObjectStore(() => 0) };
  const slow = await testBroker(shared);
  await createTopic(slow, { name: 't' });
  const fast = await testBroker(shared);
  slow.ledger.fail('late');
  const through = slow.ledger.writeAll;
  let sends = 0;
  slow.ledger.writeAll = async (writes) => {
    if (++sends === 2) for (const value of numbers(40)) await send(fast, [value]);
    return through(writes);
  };
  expect(await outcome(send(slow, ['mine']))).toBe(40);
  expect(slow.counts.windowPassed).toBe(1);
  await slow.ledger.deliver();
  expect(await readAll(fast)).toEqual([...numbers(40), 'mine']);
});

describe('expected offset', () => {
  it('is appended only where the partition ends', async () => {
    const broker = await brokerWithTopic();
    expect(await outcome(send(broker, ['a'], { expectedOffset: 0 }))).toBe(0);
    expect(await outcome(send(broker, ['b'], { expectedOffset: 0 }))).toBe('offset_mismatch');
    expect(await outcome(send(broker, ['b'], { expectedOffset: 2 }))).toBe('offset_mismatch');
    expect(await readAll(broker)).toEqual(['a']);
  });

  it('I4: a lost answer is no mismatch: the resend finds its own commit first', async () => {
    const broker = await brokerWithTopic();
    broker.ledger.fail('answer lost');
    expect(await outcome(send(broker, ['a'], { expectedOffset: 0 }))).toBe(0);
    expect(await readAll(broker)).toEqual(['a']);
  });

  it('I4: one beyond the end is never sent, so it cannot land after its refusal', async () => {
    const broker = await brokerWithTopic();
    broker.ledger.fail('late');
    expect(await outcome(send(broker, ['early'], { expectedOffset: 1 }))).toBe('offset_mismatch');
    // The fault still waits: nothing was sent that it could have met.
    expect(await outcome(send(broker, ['a']))).toBe(0);
    await broker.ledger.deliver();
    expect(await readAll(broker)).toEqual(['a']);
  });

  it('of many that race for one offset one wins, and those behind it are not harmed', async () => {
    const broker = await brokerWithTopic();
    const racing = numbers(10).map((value) => outcome(send(broker, [value], { expectedOffset: 0 })));
    const plain = outcome(send(broker, ['plain']));
    const answers = await Promise.all(racing);
    expect(answers.filter((answer) => answer === 0)).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'offset_mismatch')).toHaveLength(9);
    expect(await plain).toBe(1);
  });

  it('a stale view is read again before a mismatch is answered', async () => {
    const shared = { ledger: memoryLedger(), objects: memoryObjectStore(() => 0) };
    const one = await brokerWithTopic({ ...shared, policy: { viewMaxAgeMs: 1e9 } });
    const other = await testBroker(shared);
    await send(one, ['a']);
    await send(other, ['b']);
    expect(await outcome(send(one, ['c'], { expectedOffset: 2 }))).toBe(2);
  });
});

describe('a look at the head, where the payload is stored before it is over', () => {
  async function withLooks(look: (read: Promise<unknown>) => Promise<unknown>) {
    const inner = memoryLedger();
    const heads: string[] = [];
    const ledger: Ledger = {
      ...inner,
      async read(keys, options) {
        const isHead = keys.some(({ sk }) => sk === 'H');
        if (isHead) heads.push(options.strong ? 'strong' : 'weak');
        const items = inner.read(keys, options);
        if (isHead && !options.strong) await look(items);
        return items;
      },
    };
    return { broker: await brokerWithTopic({ policy: { inlineMaxBytes: 1_000_000, inlineTogether: false, viewMaxAgeMs: -1 }, ledger }), heads };
  }

  it('is waited for, and no other read is sent', async () => {
    const { broker, heads } = await withLooks(async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    });
    expect(await outcome(send(broker, ['a']))).toBe(0);
    expect(heads).toEqual(['weak']);
  });

  it('is not waited for for long', async () => {
    const { broker, heads } = await withLooks(() => new Promise(() => {}));
    expect(await outcome(send(broker, ['a']))).toBe(0);
    expect(heads).toEqual(['weak', 'strong']);
  });
});

describe('failures', () => {
  it('I4: a full store refuses by name, and nothing of it stands', async () => {
    const broker = await brokerWithTopic();
    broker.ledger.fail('full');
    expect(await outcome(send(broker, ['a']))).toBe('storage_full');
    expect(await outcome(send(broker, ['b']))).toBe(0);
    expect(await readAll(broker)).toEqual(['b']);
  });

  it('a throttled write is sent again', async () => {
    const broker = await brokerWithTopic();
    for (let i = 0; i < 5; i++) broker.ledger.fail('throttled');
    expect(await outcome(send(broker, ['a']))).toBe(0);
  });

  it('I4: answers that stay away end in unknown, not in a refusal', async () => {
    const broker = await brokerWithTopic();
    for (let i = 0; i < 1000; i++) broker.ledger.fail('late');
    expect(await outcome(send(broker, ['a']))).toBe('append_unknown');
    expect(broker.reports).toContain('append_unknown');
  });

  it('I4: what was applied is never told as refused, though the new head cannot be read', async () => {
    const broker = await brokerWithTopic({ policy: { viewMaxAgeMs: 1e9 } });
    await send(broker, ['a']);
    const topic = await broker.topics.resolve('t');
    await broker.ledger.write({ key: headKey(topic.id, 0), action: 'update', guards: [], changes: [{ change: 'set', path: 'fv', value: 99 }] });
    expect(await outcome(send(broker, ['b']))).toBe('append_unknown');
  });

  it('a full head is rotated by whoever meets it', async () => {
    const broker = await brokerWithTopic();
    const rotations = 1000;
    for (let i = 0; i < rotations; i++) broker.ledger.fail('throttled', isRotate);
    for (const value of numbers(32)) await send(broker, [value]);
    for (let i = 0; i < rotations; i++) broker.ledger.fail('throttled', isSeal);
    const waiting = outcome(send(broker, ['last']));
    expect(await waiting).toBe('partition_busy');
    expect(await readAll(broker)).toEqual(numbers(32));
  });

  it('after close nothing is taken, and what was taken is answered', async () => {
    const broker = await brokerWithTopic();
    const topic = await broker.topics.resolve('t');
    const { bytes, count, maxTimestamp } = encodeBatches([record('a')], { compression: 'none', maxMessageBytes: 1000 }, broker.codecs);
    const accepted = broker.committer.append(topic.id, 0, { bytes, count, maxTimestamp });
    const closed = Promise.all([broker.committer.close(), broker.committer.close()]);
    expect(await accepted).toEqual({ baseOffset: 0 });
    await closed;
    expect(await outcome(send(broker, ['b']))).toBe('shutting_down');
  });
});

it('a payload of a closed epoch is made again under the open one', async () => {
  const broker = await brokerWithTopic({ policy: { viewMaxAgeMs: 1e9 } });
  const topic = await broker.topics.resolve('t');
  await send(broker, ['a']);
  await broker.ledger.write({ key: { pk: 'G', sk: 'G' }, action: 'update', guards: [], changes: [{ change: 'set', path: 'ep', value: 7 }] });
  await broker.ledger.write({ key: headKey(topic.id, 0), action: 'update', guards: [], changes: [{ change: 'set', path: 'gm', value: 7 }] });
  expect(await outcome(send(broker, ['b']))).toBe(1);
  expect(broker.epoch).toBe(7);
  expect(await readAll(broker)).toEqual(['a', 'b']);
});

it('I13: the records of a request are let go while their commit is under way', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const inner = memoryLedger();
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let waits = false;
  const broker = await brokerWithTopic({
    ledger: {
      ...inner,
      async writeAll(writes) {
        if (waits) reached.resolve();
        if (waits) await released.promise;
        return inner.writeAll(writes);
      },
    },
  });
  await send(broker, ['before']);
  waits = true;
  const read: WeakRef<object>[] = [];
  const records = () => {
    const made = [record('a'), record('b')];
    read.push(...made.map((one) => new WeakRef(one)));
    return made;
  };
  const answer = outcome(appendRecords(broker, { topic: 't', records }));
  await reached.promise;
  // A weak reference holds for the rest of the turn in which it was made.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(read.map((one) => one.deref())).toEqual([undefined, undefined]);
  released.resolve();
  expect(await answer).toBe(1);
});
