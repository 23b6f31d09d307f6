// Admission to a hot head: when a lane waits, when it does not, and that no request is lost in it.
import { expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { createPace, isCrowded } from '../../src/broker/admission.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { type Head, newHead, parseHead } from '../../src/log/head.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { limits } from '../../src/record/limits.ts';
import { brokerWithTopic, isRotate, outcome, readAll, send, testBroker } from '../support/test-broker.ts';

function stillClock() {
  let now = 1_000;
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    after: () => () => {},
    pass(ms: number) {
      now += ms;
    },
  };
}

const random = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0.5 };

function headOf(commits: number, size: number): Head {
  const head = parseHead(newHead(1));
  const ref = { id: new Uint8Array(16), epoch: 1, inline: false, position: 0, length: 1, count: 1, maxTimestamp: 0 };
  return { ...head, commits, current: Array.from({ length: size }, () => ref) };
}

const hotLedger = (inner: Ledger = memoryLedger()): Ledger => ({ ...inner, limits: { ...inner.limits, itemWriteUnitsPerSecond: 1_000 } });

it('a first commit does not wait, the next one does', () => {
  const clock = stillClock();
  const pace = createPace({ clock, random }, 1_000);
  expect(pace.waitMs()).toBe(0);
  pace.begin();
  expect(pace.waitMs()).toBe(250);
  clock.pass(250);
  expect(pace.waitMs()).toBe(0);
});

it('a head with room soon ends all waiting; one that is hot, or whose writers are too many, makes it longer', () => {
  const clock = stillClock();
  const pace = createPace({ clock, random }, 1_000);
  const waitAfter = (commits: number, size: number): number => {
    clock.pass(1_000);
    pace.see(headOf(commits, size));
    pace.begin();
    return pace.waitMs();
  };
  const free = [10, 20, 30, 40].map((commits) => waitAfter(commits, 3));
  expect(free).toEqual([...free].sort((a, b) => b - a));
  expect(free.at(-1)).toBe(0);
  expect(waitAfter(60, 30)).toBeGreaterThan(0);
  const crowd = [1_000, 2_000, 3_000].map((more) => waitAfter(60 + more, 3));
  expect(crowd[2]).toBeGreaterThan(crowd[0] as number);
});

it('no lane is slowed down for ever, however hot the head', () => {
  const clock = stillClock();
  const pace = createPace({ clock, random }, 1_000);
  for (let i = 0; i < 100; i++) pace.yield();
  pace.begin();
  expect(pace.waitMs()).toBe(4_000);
});

it('appends that wait for the pace of their lane become one commit, in order', async () => {
  const broker = await brokerWithTopic({ ledger: hotLedger() });
  expect(await outcome(send(broker, ['a']))).toBe(0);
  expect(await Promise.all(['b', 'c', 'd'].map((value) => outcome(send(broker, [value]))))).toEqual([1, 2, 3]);
  expect(broker.counts.commits).toBe(2);
  expect(await readAll(broker)).toEqual(['a', 'b', 'c', 'd']);
});

it('who stops does not wait for the pace, and answers all', async () => {
  const clock = stillClock();
  // No timer ever runs: whoever waited for one would wait for ever.
  const broker = await brokerWithTopic({ ledger: hotLedger(), clock });
  const first = outcome(send(broker, ['a']));
  expect(await first).toBe(0);
  const second = outcome(send(broker, ['b']));
  await new Promise((resolve) => setImmediate(resolve));
  await broker.committer.close();
  expect(await second).toBe(1);
});

it('a crowded head gets no append; one who waits for it in the end rotates it', async () => {
  const shared = { ledger: hotLedger() };
  const broker = await testBroker({ ...shared, policy: { inlineMaxBytes: 0 } });
  await createTopic(broker, { name: 't' });
  // Those who are elected fail.
  for (let i = 0; i < 3; i++) broker.ledger.fail('full', isRotate);
  for (let i = 0; i < 40; i++) expect(await outcome(send(broker, [`v${i}`]))).toBe(i);
  const sizes = broker.ledger.sent.filter(isRotate).length;
  expect(sizes).toBeGreaterThan(3);
  expect(await readAll(broker)).toHaveLength(40);
});

it('I4: 429 at the deadline where a head stays crowded, with nothing written', async () => {
  const broker = await testBroker({ ledger: hotLedger(), policy: { inlineMaxBytes: 0 } });
  await createTopic(broker, { name: 't' });
  for (let i = 0; i < 1_000; i++) broker.ledger.fail('full', isRotate);
  const answers: (number | string)[] = [];
  for (let i = 0; i < 20; i++) answers.push(await outcome(send(broker, [`v${i}`])));
  const standing = 2 * limits.tailCommits + 1;
  expect(answers).toEqual([...Array.from({ length: standing }, (_, i) => i), ...Array.from({ length: 20 - standing }, () => 'partition_busy')]);
  expect(await readAll(broker)).toHaveLength(standing);
  expect(isCrowded(headOf(0, standing))).toBe(true);
});
