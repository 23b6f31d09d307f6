import { expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { auditLog } from '../../src/broker/audit.ts';
import type { Key, Write } from '../../src/log/write.ts';
import { brokerWithTopic, send, type TestBroker, testBroker } from '../support/test-broker.ts';

async function filled() {
  const ledger = memoryLedger();
  const objects = memoryObjectStore(() => 0);
  const broker = await brokerWithTopic({ ledger, objects, policy: { inlineMaxBytes: 0 } });
  for (let i = 0; i < 60; i++) await send(broker, [`v${i}`]);
  // Another broker, which remembers nothing.
  return { ledger, objects, broker: await testBroker({ ledger, objects, policy: { inlineMaxBytes: 0 } }), writer: broker };
}

async function audit(broker: TestBroker) {
  const problems: string[] = [];
  const counts = await auditLog(broker, {
    finding({ place, problem }) {
      problems.push(`${place}: ${problem}`);
    },
  });
  return { problems, counts };
}

const runs = async ({ writer }: { writer: TestBroker }): Promise<Key[]> =>
  writer.ledger.sent
    .flat()
    .filter((write): write is Write => write.action === 'put' && write.key.sk.startsWith('I#'))
    .map(({ key }) => key);

it('what is whole has no findings', async () => {
  const { broker } = await filled();
  expect(await audit(broker)).toMatchObject({ problems: [], counts: { topics: 1, partitions: 1, records: 60, payloads: 60 } });
});

it('a payload that is gone is told with its offset; all others are read', async () => {
  const { broker, objects } = await filled();
  const [first] = await objects.list('l0/', { limit: 1 });
  await objects.delete([first?.key ?? '']);
  const { problems, counts } = await audit(broker);
  expect(problems).toEqual([expect.stringMatching(/^t\/0 at \d+: the bytes of 1 records are not in the store$/)]);
  expect(counts.payloads).toBe(60);
});

it('a sealed run that is gone leaves a gap', async () => {
  const world = await filled();
  const [, second] = await runs(world);
  await world.ledger.write({ key: second as Key, action: 'delete', guards: [] });
  expect((await audit(world.broker)).problems).toEqual([expect.stringMatching(/^t\/0: a run begins at \d+ where \d+ is next$/)]);
});

it('totals that do not add up', async () => {
  const world = await filled();
  const [first] = await runs(world);
  await world.ledger.write({ key: first as Key, action: 'update', guards: [], changes: [{ change: 'set', path: 'tl', value: new Uint8Array(16) }] });
  expect((await audit(world.broker)).problems).toEqual(['t/0 at 0: the totals of a run do not add up']);
});
