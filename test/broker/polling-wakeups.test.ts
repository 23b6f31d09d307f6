// Wakeups among processes by looking: what wakes a reader, how soon, and what it costs while nothing comes.

import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryWakeups } from '../../src/adapters/memory/wakeups.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { deleteTopic } from '../../src/broker/delete-topic.ts';
import { pollingWakeups } from '../../src/broker/polling-wakeups.ts';
import { partitionChannel, topicChannel } from '../../src/broker/wait.ts';
import type { Key } from '../../src/log/write.ts';
import type { Clock } from '../../src/ports/world.ts';
import { send, testBroker } from '../support/test-broker.ts';

/** Timers run in order as a test moves it on, and what they begin comes to its end before the next one. */
function steppedClock(): Clock & { move(ms: number): Promise<void> } {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async move(ms) {
      const until = now + ms;
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers.delete(next);
        now = next.at;
        next.run();
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      now = until;
    },
  };
}

/** A process that reads what another one writes. */
async function twoProcesses() {
  const shared = memoryLedger();
  const writer = await testBroker({ ledger: shared });
  await createTopic(writer, { name: 't', partitions: 3 });
  const topic = await writer.topics.resolve('t');
  const clock = steppedClock();
  const reads: { readonly keys: readonly Key[]; readonly strong: boolean }[] = [];
  const ledger: typeof shared = {
    ...shared,
    read(keys, options) {
      reads.push({ keys, strong: options.strong });
      return shared.read(keys, options);
    },
  };
  const local = memoryWakeups();
  const random = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0.5 };
  const wakeups = pollingWakeups({ ledger, clock, random }, local);
  const subscribe = (channel: string) => {
    const reader = { woken: 0, end: () => {} };
    reader.end = wakeups.subscribe(channel, () => reader.woken++);
    return reader;
  };
  return { writer, topic, clock, reads, wakeups, subscribe };
}

describe('wakeups by looking', () => {
  it('wakes who waits for a partition in which another process appends, and nobody else', async () => {
    const { writer, topic, clock, subscribe } = await twoProcesses();
    const [waiting, elsewhere] = [subscribe(partitionChannel(topic.id, 0)), subscribe(partitionChannel(topic.id, 1))];
    await clock.move(5_000);
    const before = [waiting.woken, elsewhere.woken];
    await send(writer, ['a'], { partition: 0 });
    await clock.move(1_300);
    expect([waiting.woken, elsewhere.woken]).toEqual([(before[0] ?? 0) + 1, before[1]]);
  });

  it('wakes who waits for a topic, whichever partition grows, and when it is gone', async () => {
    const { writer, topic, clock, subscribe } = await twoProcesses();
    const reader = subscribe(topicChannel(topic.id));
    await clock.move(5_000);
    const before = reader.woken;
    await send(writer, ['a'], { partition: 2 });
    await clock.move(1_300);
    expect(reader.woken).toBe(before + 1);
    await deleteTopic(writer, 't');
    await clock.move(1_300);
    expect(reader.woken).toBe(before + 2);
  });

  it('looks often at first and every second in the end, once for all who wait', async () => {
    const { topic, clock, reads, subscribe } = await twoProcesses();
    const channel = partitionChannel(topic.id, 0);
    for (let i = 0; i < 10; i++) subscribe(channel);
    await clock.move(1_000);
    const early = reads.length;
    await clock.move(60_000);
    expect(early).toBeGreaterThanOrEqual(3);
    expect(reads.length - early).toBeLessThanOrEqual(62);
    expect(reads.every(({ strong, keys }) => !strong && keys.length === 1)).toBe(true);
  });

  it('looks no more when nobody waits', async () => {
    const { topic, clock, reads, subscribe } = await twoProcesses();
    const reader = subscribe(partitionChannel(topic.id, 0));
    await clock.move(2_000);
    reader.end();
    const before = reads.length;
    await clock.move(60_000);
    expect(reads.length).toBe(before);
  });

  it('does not wake a reader that comes again for what it has seen, and wakes it for what came between', async () => {
    const { writer, topic, clock, subscribe } = await twoProcesses();
    const channel = partitionChannel(topic.id, 0);
    const first = subscribe(channel);
    await clock.move(2_000);
    first.end();
    const second = subscribe(channel);
    await clock.move(2_000);
    expect(second.woken).toBe(0);
    second.end();
    await send(writer, ['a'], { partition: 0 });
    const third = subscribe(channel);
    await clock.move(200);
    expect(third.woken).toBe(1);
  });

  it('wakes at once for an append of its own', async () => {
    const { topic, wakeups, reads, subscribe } = await twoProcesses();
    const reader = subscribe(partitionChannel(topic.id, 0));
    wakeups.notify(partitionChannel(topic.id, 0));
    expect([reader.woken, reads.length]).toEqual([1, 0]);
  });
});
