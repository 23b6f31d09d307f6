// Sealed runs that were read are remembered: it saves reads, takes bounded memory, and hides nothing that changed.
import { expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { createRunCache } from '../../src/broker/runs.ts';
import { noTotals } from '../../src/log/format.ts';
import { partitionKey } from '../../src/log/keys.ts';
import type { Run } from '../../src/log/seal.ts';
import { brokerWithTopic, readAll, send, type TestBroker } from '../support/test-broker.ts';

const run = (baseOffset: number, nextOffset: number): Run => ({ baseOffset, nextOffset, refs: [], totals: noTotals });
const values = Array.from({ length: 60 }, (_, i) => `v${i}`);

async function brokerWithRuns(): Promise<{ broker: TestBroker; scans: () => number }> {
  const inner = memoryLedger();
  let scans = 0;
  const ledger = {
    ...inner,
    scan: (range: Parameters<typeof inner.scan>[0]) => {
      scans += 1;
      return inner.scan(range);
    },
  };
  const broker = await brokerWithTopic({ ledger });
  for (const value of values) await send(broker, [value]);
  return { broker, scans: () => scans };
}

it('a second reader scans no run again', async () => {
  const { broker, scans } = await brokerWithRuns();
  const before = scans();
  expect(await readAll(broker)).toEqual(values);
  const first = scans() - before;
  expect(first).toBeGreaterThan(2);
  expect(await readAll(broker)).toEqual(values);
  expect(scans() - before).toBe(first);
});

it('a remembered run whose bytes are gone is read anew', async () => {
  const { broker } = await brokerWithRuns();
  const { id } = await broker.topics.resolve('t');
  const ref = { id: new Uint8Array(16), epoch: 0, position: 0, length: 100, count: 60, maxTimestamp: 0, inline: true };
  broker.runs.remember(partitionKey(id, 0), { ...run(0, 40), refs: [ref] });
  expect(await readAll(broker)).toEqual(values);
});

it('knows runs by every offset in them, with gaps between', () => {
  const cache = createRunCache();
  for (const one of [run(20, 30), run(0, 10), run(30, 31)]) cache.remember('p', one);
  expect([0, 9, 10, 19, 20, 29, 30, 31].map((offset) => cache.holding('p', offset)?.baseOffset)).toEqual([0, 0, undefined, undefined, 20, 20, 30, undefined]);
  expect(cache.holding('q', 0)).toBeUndefined();
});

it('forgets the partition longest without news, and counts no run twice', () => {
  const cache = createRunCache(4);
  for (const partition of ['p', 'q']) for (const base of [0, 10, 0, 10]) cache.remember(partition, run(base, base + 10));
  expect(cache.holding('p', 0)).toBeDefined();
  cache.remember('r', run(0, 10));
  expect(cache.holding('p', 0)).toBeUndefined();
  expect(cache.holding('q', 0)).toBeDefined();
});
