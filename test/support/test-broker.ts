// A broker on memory, for tests of the engine: its clock moves only when a test moves it, its randomness is a
// counter, and its ledger can be told to lose an answer or to deliver a write late.
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { memoryWakeups } from '../../src/adapters/memory/wakeups.ts';
import { type AppendAnswer, appendRecords, type ProducerFields } from '../../src/broker/append.ts';
import { type Broker, createBroker, type Policy } from '../../src/broker/broker.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { fetchRecords } from '../../src/broker/fetch.ts';
import type { Write } from '../../src/log/write.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import type { Clock, Random, TelemetryCounter } from '../../src/ports/world.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null): string | null => (value === null ? null : new TextDecoder().decode(value));

/** Runs every timer at once, in order of time, as soon as nothing else is to be done: waiting takes no time. */
function eagerClock(): Clock {
  let now = 1_700_000_000_000;
  const timers: { at: number; run: () => void }[] = [];
  let running = false;
  const pump = async () => {
    if (running) return;
    running = true;
    while (timers.length > 0) {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      timers.sort((a, b) => a.at - b.at);
      const next = timers.shift();
      if (next === undefined) break;
      now = Math.max(now, next.at);
      next.run();
    }
    running = false;
  };
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      void pump();
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
  };
}

/** A clock that a test moves on by itself; timers run at once. */
export function movedClock(): Clock & { move(ms: number): void } {
  let now = 1_700_000_000_000;
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    after(_, run) {
      setImmediate(run);
      return () => {};
    },
    move(ms) {
      now += ms;
    },
  };
}

let count = 0;

/** No two brokers of a test file draw the same bytes. */
function countingRandom(): Random {
  return {
    bytes(length) {
      count += 1;
      const made = new Uint8Array(length);
      new DataView(made.buffer).setUint32(length - 4, count);
      made[0] = count;
      return made;
    },
    fraction: () => 0.5,
  };
}

type Fault =
  /** Applied, but the answer is lost. */
  | 'answer lost'
  /** Not applied now, but whenever the test delivers it. */
  | 'late'
  /** Refused by the store, with nothing done. */
  | 'throttled'
  | 'full';

type FaultyLedger = Ledger & {
  /** What happens to the next write for which `of` holds. */
  fail(fault: Fault, of?: (writes: readonly Write[]) => boolean): void;
  /** Delivers the late writes. */
  deliver(): Promise<void>;
  readonly sent: Write[][];
};

function faultyLedger(inner: Ledger): FaultyLedger {
  const planned: { fault: Fault; of: (writes: readonly Write[]) => boolean }[] = [];
  const late: (() => Promise<unknown>)[] = [];
  const sent: Write[][] = [];
  const through = async <T>(writes: readonly Write[], call: () => Promise<T>): Promise<T> => {
    sent.push([...writes]);
    const index = planned.findIndex(({ of }) => of(writes));
    const fault = index < 0 ? undefined : planned.splice(index, 1)[0]?.fault;
    if (fault === 'answer lost') await call();
    if (fault === 'late') late.push(call);
    if (fault === 'throttled') throw new StoreFailure('throttled', 'none', 'planned');
    if (fault === 'full') throw new StoreFailure('full', 'none', 'planned');
    if (fault !== undefined) throw new StoreFailure('unavailable', 'unknown', 'planned');
    return call();
  };
  return {
    ...inner,
    sent,
    write: (write) => through([write], () => inner.write(write)),
    writeAll: (writes) => through(writes, () => inner.writeAll(writes)),
    fail: (fault, of = isAppend) => {
      planned.push({ fault, of });
    },
    async deliver() {
      for (const call of late.splice(0)) await call();
    },
  };
}

const isAppend = (writes: readonly Write[]): boolean => writes.some((write) => write.action === 'update' && write.changes.some(({ path }) => path === 'cn'));
export const isSeal = (writes: readonly Write[]): boolean => writes.some(({ key }) => key.sk.startsWith('I#'));
export const isRotate = (writes: readonly Write[]): boolean => writes.some((write) => write.action === 'update' && write.changes.some(({ path }) => path === 'g'));

export type TestBroker = Broker & { readonly ledger: FaultyLedger; readonly counts: Partial<Record<TelemetryCounter, number>>; readonly reports: string[] };

export async function testBroker(options: { policy?: Partial<Policy>; ledger?: Ledger; objects?: ObjectStore; clock?: Clock } = {}): Promise<TestBroker> {
  const clock = options.clock ?? eagerClock();
  const ledger = faultyLedger(options.ledger ?? memoryLedger());
  const counts: Partial<Record<TelemetryCounter, number>> = {};
  const reports: string[] = [];
  const ports = {
    ledger,
    objects: options.objects ?? memoryObjectStore(() => clock.nowMs()),
    clock,
    random: countingRandom(),
    wakeups: memoryWakeups(),
    codecs: nodeCodecs,
    telemetry: {
      count: (counter: TelemetryCounter, by = 1) => {
        counts[counter] = (counts[counter] ?? 0) + by;
      },
      commitSize: () => {},
      report: (event: string) => {
        reports.push(event);
      },
    },
  };
  const broker = await createBroker(ports, { inlineMaxBytes: 1_000_000, inlineTogether: true, producersStayCommits: 0, viewMaxAgeMs: 0, ...options.policy });
  return Object.assign(broker, { ledger, counts, reports });
}

/** A broker with topic `t` of one partition. */
export async function brokerWithTopic(options: Parameters<typeof testBroker>[0] = {}): Promise<TestBroker> {
  const broker = await testBroker(options);
  await createTopic(broker, { name: 't', partitions: 1 });
  return broker;
}

export const record = (value: string, timestamp = 1000) => ({ key: null, value: bytes(value), headers: [], timestamp });

type SendOptions = { partition?: number; expectedOffset?: number; producer?: ProducerFields };

export function send(broker: Broker, values: readonly string[], { partition = 0, expectedOffset, producer }: SendOptions = {}): Promise<AppendAnswer> {
  return appendRecords(broker, { topic: 't', partition, records: () => values.map((value) => record(value)), expectedOffset, producer: () => producer });
}

/** Where the records stand, or the code of the error. */
export async function outcome(answer: Promise<AppendAnswer>): Promise<number | string> {
  const result = (await answer).results[0];
  if (result === undefined) throw new Error('no result');
  if ('error' in result) return result.error.code;
  return result.baseOffset ?? 'duplicate';
}

export async function readAll(broker: Broker, partition = 0): Promise<(string | null)[]> {
  const values: (string | null)[] = [];
  for (let offset = 0; ; ) {
    const page = await fetchRecords(broker, { topic: 't', partition, start: { at: 'offset', offset }, budget: { maxBytes: 100_000, maxRecords: 1000 }, waitMs: 0 });
    if (page.records.length === 0) return values;
    for (const one of page.records) {
      if (one.offset !== values.length) throw new Error(`offset ${one.offset} where ${values.length} was due`);
      values.push(text(one.value));
    }
    offset = page.nextOffset;
  }
}
