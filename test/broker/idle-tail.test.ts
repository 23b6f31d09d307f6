// Partitions come to rest when nothing is appended any more; until then one item of work waits for that.

import { expect, it } from 'vitest';
import { deleteTopic } from '../../src/broker/delete-topic.ts';
import { runDueWork } from '../../src/broker/run-work.ts';
import { parseHead } from '../../src/log/head.ts';
import { headKey, placeOfWork, workShards } from '../../src/log/keys.ts';
import { isAtRest } from '../../src/log/tail.ts';
import { brokerWithTopic, movedClock, outcome, readAll, send, type TestBroker } from '../support/test-broker.ts';

const idleTailMs = 1_000;

async function start() {
  const clock = movedClock();
  const broker = await brokerWithTopic({ policy: { idleTailMs }, clock });
  return { broker, move: (ms: number) => clock.move(ms) };
}

/** The items of work on tails. */
async function tails(broker: TestBroker): Promise<string[]> {
  await broker.background.idle();
  const found: string[] = [];
  for (const pk of workShards) for (const { sk } of (await broker.ledger.scan({ pk, limit: 100, strong: true })).items) if (placeOfWork(sk).partition !== undefined) found.push(sk);
  return found;
}

async function atRest(broker: TestBroker): Promise<boolean> {
  const { id } = await broker.topics.resolve('t');
  const [item] = await broker.ledger.read([headKey(id, 0)], { strong: true });
  return isAtRest(parseHead(item ?? {}));
}

it('a partition without appends is brought to rest, and nothing is left to do', async () => {
  const { broker, move } = await start();
  for (const value of ['a', 'b', 'c']) await send(broker, [value]);
  expect(await tails(broker)).toHaveLength(1);
  expect(await atRest(broker)).toBe(false);
  for (let i = 0; i < 2; i++) {
    move(2 * idleTailMs);
    await runDueWork(broker);
  }
  expect([await atRest(broker), await tails(broker)]).toEqual([true, []]);
  expect(await readAll(broker)).toEqual(['a', 'b', 'c']);
  // Nobody has anything to do with it from here on.
  move(10 * idleTailMs);
  expect(await runDueWork(broker)).toBe(0);
});

it('one with appends is not, and has one item however long that goes on', async () => {
  const { broker, move } = await start();
  for (let i = 0; i < 60; i++) {
    await send(broker, [String(i)]);
    if (i % 3 === 0) move(idleTailMs / 2);
    await runDueWork(broker);
    expect((await tails(broker)).length).toBeLessThanOrEqual(2);
    expect(await atRest(broker)).toBe(false);
  }
  expect(await tails(broker)).not.toEqual([]);
});

it('an append to one at rest stands after the others, and it has an item again', async () => {
  const { broker, move } = await start();
  await send(broker, ['a']);
  for (let i = 0; i < 2; i++) {
    move(2 * idleTailMs);
    await runDueWork(broker);
  }
  expect(await outcome(send(broker, ['b']))).toBe(1);
  expect([await atRest(broker), (await tails(broker)).length]).toEqual([false, 1]);
  expect(await readAll(broker)).toEqual(['a', 'b']);
});

it('an append between the two rotations stays, and is seen to later', async () => {
  const { broker, move } = await start();
  await send(broker, ['a']);
  move(2 * idleTailMs);
  // The item that the append left knows where the tail ended.
  let rotations = 0;
  const write = broker.ledger.write.bind(broker.ledger);
  Object.assign(broker.ledger, {
    async write(given: Parameters<typeof write>[0]) {
      const outcome_ = await write(given);
      if (given.action === 'update' && given.changes.some(({ path }) => path === 'g') && rotations++ === 0) expect(await outcome(send(broker, ['b']))).toBe(1);
      return outcome_;
    },
  });
  await runDueWork(broker);
  expect([await atRest(broker), (await tails(broker)).length]).toEqual([false, 1]);
  expect(await readAll(broker)).toEqual(['a', 'b']);
  move(2 * idleTailMs);
  await runDueWork(broker);
  move(2 * idleTailMs);
  await runDueWork(broker);
  expect([await atRest(broker), await tails(broker)]).toEqual([true, []]);
});

it('of a deleted topic the item goes', async () => {
  const { broker, move } = await start();
  await send(broker, ['a']);
  await deleteTopic(broker, 't');
  await runDueWork(broker);
  move(2 * idleTailMs);
  await runDueWork(broker);
  expect(await tails(broker)).toEqual([]);
});

it('an item that was lost is put again by a writer who rotates', async () => {
  const { broker, move } = await start();
  await send(broker, ['a']);
  for (const sk of await tails(broker)) for (const pk of workShards) await broker.ledger.write({ key: { pk, sk }, action: 'delete', guards: [] });
  for (let i = 0; i < 20; i++) await send(broker, [String(i)]);
  expect(await tails(broker)).toEqual([]);
  move(idleTailMs);
  for (let i = 0; i < 20; i++) await send(broker, [String(i)]);
  expect(await tails(broker)).toHaveLength(1);
});
