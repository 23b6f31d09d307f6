// npm run costs: what operations cost on DynamoDB and S3, on counted requests and item sizes by the published rules
// (src/adapters/metered) and list prices. The engine is the real one, with the policy of a cloud; the stores are in memory.

import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { systemClock } from '../../src/adapters/local/system-clock.ts';
import { systemRandom } from '../../src/adapters/local/system-random.ts';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { memoryWakeups } from '../../src/adapters/memory/wakeups.ts';
import { meteredLedger, type Units } from '../../src/adapters/metered/ledger.ts';
import { meteredObjectStore, type Requests } from '../../src/adapters/metered/object-store.ts';
import { type AppendAnswer, appendRecords } from '../../src/broker/append.ts';
import { type Broker, createBroker } from '../../src/broker/broker.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { fetchRecords } from '../../src/broker/fetch.ts';
import { encodeTotals } from '../../src/log/format.ts';
import { headKey } from '../../src/log/keys.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { cloudPolicy } from '../../src/wiring/cloud.ts';
import { readOptions } from '../support/options.ts';

const help = `
npm run costs -- [options]

Runs operations on the real engine over stores in memory that count requests and units as DynamoDB (on demand) and S3
(standard) charge for them, and prints what one operation takes on average, and a million of them by the list prices of
us-east-1: write unit $0.625, read unit $0.125, PUT $5, GET $0.40 a million. Storage, transfer and functions are not in it.

Each operation is sent after the one before it, as one request of one record: nothing is shared with others. The partition
is a long one: offsets have 13 digits, which makes items larger.

  --appends N    operations of each row (4000)
  --ci           1000

Exits 1 where a row costs more than it may.
`;

const options = readOptions(help, { appends: 'number', ci: 'flag' });
const times = options.appends ?? (options.ci ? 1_000 : 4_000);
const prices = { writeUnits: 0.625, readUnits: 0.125, puts: 5, gets: 0.4 };
const firstOffset = 2_000_000_000_001;

type Counts = Units & Requests;
type Row = {
  readonly name: string;
  readonly mostWriteUnits?: number;
  readonly inline?: boolean;
  readonly run: (broker: Broker, i: number) => Promise<unknown>;
  readonly before?: (broker: Broker) => Promise<unknown>;
};

const bytes = (text: string) => new TextEncoder().encode(text);
const value = bytes(JSON.stringify({ order: 4711, text: 'x'.repeat(200) }));
const records = () => [{ key: null, value, headers: [], timestamp: Date.now() }];

async function stands(answer: Promise<AppendAnswer>): Promise<void> {
  for (const result of (await answer).results) if ('error' in result) throw result.error;
}

const sequences = new Map<number, number>();

function sendAs(broker: Broker, id: number): Promise<void> {
  const sequence = sequences.get(id) ?? 0;
  sequences.set(id, sequence + 1);
  return stands(appendRecords(broker, { topic: 'costs', partition: 0, records, producer: () => ({ id, epoch: 0, sequence }) }));
}

const producers = (count: number) => (broker: Broker, i: number) => sendAs(broker, 2 ** 53 - 1 - (i % count));
const plain = (broker: Broker) => stands(appendRecords(broker, { topic: 'costs', partition: 0, records }));
const keyed = (broker: Broker, i: number) =>
  stands(appendRecords(broker, { topic: 'costs', partition: 0, records, idempotencyKey: { text: `01926f3e-7c1a-7e0a-9c55-${String(i).padStart(12, '0')}`, fingerprint: new Uint8Array(32) } }));

const rows: readonly Row[] = [
  { name: 'append', run: plain },
  { name: 'append, 200 bytes inline', inline: true, run: plain },
  { name: 'idempotent append, 1 producer', mostWriteUnits: 1.3, run: producers(1) },
  { name: 'idempotent append, 4 producers', mostWriteUnits: 1.3, run: producers(4) },
  { name: 'idempotent append, 8 producers', mostWriteUnits: 1.3, run: producers(8) },
  { name: 'idempotent append, 16 producers', run: producers(16) },
  { name: 'idempotent append, 64 producers', run: producers(64) },
  {
    name: 'idempotent append, sent again',
    before: (broker) => sendAs(broker, 5),
    run: (broker) => stands(appendRecords(broker, { topic: 'costs', partition: 0, records, producer: () => ({ id: 5, epoch: 0, sequence: (sequences.get(5) ?? 1) - 1 }) })),
  },
  { name: 'append with an idempotency key', mostWriteUnits: 5.5, run: keyed },
  { name: 'append with a key, sent again', before: (broker) => keyed(broker, 0), run: (broker) => keyed(broker, 0) },
  {
    name: 'fetch at the end, one record',
    before: plain,
    run: (broker) => fetchRecords(broker, { topic: 'costs', partition: 0, start: { at: 'last', records: 1 }, budget: { maxBytes: 1, maxRecords: 1 }, waitMs: 0 }),
  },
];

async function measure({ run, before, inline = false }: Row): Promise<Counts> {
  const counts: Counts = { writeUnits: 0, readUnits: 0, writes: 0, reads: 0, puts: 0, gets: 0 };
  const broker = await cloudBroker(counts, inline);
  const warmUp = 200;
  await before?.(broker);
  for (let i = -warmUp; i < times; i++) {
    if (i === 0) Object.assign(counts, { writeUnits: 0, readUnits: 0, writes: 0, reads: 0, puts: 0, gets: 0 });
    await run(broker, before === undefined ? i + warmUp : 0);
    // A rotation takes two writes of some milliseconds, an upload 60: it is over when the next append is sent.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return counts;
}

async function cloudBroker(counts: Counts, inline: boolean): Promise<Broker> {
  const inner = memoryLedger();
  const ledger: Ledger = { ...meteredLedger(inner, counts), limits: { maxItemBytes: 400 * 1024, maxWritesTogether: 100, writeUnitBytes: 1024 } };
  const telemetry = {
    count: () => {},
    commitSize: () => {},
    report: (event: string, _: unknown, cause: unknown) => {
      throw new Error(event, { cause });
    },
  };
  const objects = meteredObjectStore(memoryObjectStore(systemClock.nowMs), counts);
  // Nothing is remembered of the head: each append reads it, weakly, while its payload is stored.
  const policy = { ...cloudPolicy, inlineMaxBytes: inline ? cloudPolicy.inlineMaxBytes : 0, viewMaxAgeMs: -1 };
  const broker = await createBroker({ ledger, objects, clock: systemClock, random: systemRandom(), wakeups: memoryWakeups(), telemetry, codecs: nodeCodecs }, policy);
  const { topic } = await createTopic(broker, { name: 'costs', partitions: 1 });
  await ledger.write({
    key: headKey(topic.id, 0),
    guards: [],
    action: 'update',
    changes: Object.entries({
      wb: firstOffset,
      cb: firstOffset,
      nx: firstOffset,
      g: 100_000_001,
      cn: 1_000_000_001,
      tl: encodeTotals({ maxTimestamp: Date.now(), bytes: 2 ** 40, refs: 1_000_000_001 }),
    }).map(([path, to]) => ({ change: 'set', path, value: to })),
  });
  return broker;
}

const cell = (number: number, digits: number): string => number.toFixed(digits).padStart(9);
console.log(`${'for each of them'.padEnd(34)}${['WRU', 'RRU', 'PUT', 'GET', '$ / M', 'at most'].map((name) => name.padStart(9)).join('')}`);
let failed = 0;
for (const row of rows) {
  sequences.clear();
  const counts = await measure(row);
  const each = (count: number): number => count / times;
  const cost = Object.entries(prices).reduce((sum, [name, price]) => sum + each(counts[name as keyof typeof prices]) * price, 0);
  const missed = row.mostWriteUnits !== undefined && each(counts.writeUnits) > row.mostWriteUnits;
  if (missed) failed++;
  const bound = row.mostWriteUnits === undefined ? '' : `${row.mostWriteUnits.toFixed(1)} WRU`.padStart(9);
  console.log(
    `${row.name.padEnd(34)}${cell(each(counts.writeUnits), 3)}${cell(each(counts.readUnits), 3)}${cell(each(counts.puts), 3)}${cell(each(counts.gets), 3)}${cell(cost, 2)}${bound}${missed ? '  FAILED' : ''}`,
  );
}
console.log(`${rows.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
