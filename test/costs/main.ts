// npm run costs: what operations cost on DynamoDB and S3, on counted requests and item sizes by the published rules
// (src/adapters/metered) and list prices. The engine is the real one, with the policy of a cloud; the stores are in memory.

import { readFileSync } from 'node:fs';
import { type RequestMeter, requestMeter } from '../../src/adapters/aws/request-meter.ts';
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
import { describeTopic } from '../../src/broker/describe-topic.ts';
import { fetchRecords } from '../../src/broker/fetch.ts';
import type { Start } from '../../src/broker/find-offset.ts';
import { runDueWork } from '../../src/broker/run-work.ts';
import { createCompactor } from '../../src/functions/compact.ts';
import { encodeTotals } from '../../src/log/format.ts';
import { headKey } from '../../src/log/keys.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import type { Clock } from '../../src/ports/world.ts';
import { cloudPolicy } from '../../src/wiring/cloud.ts';
import { silent } from '../../src/wiring/log.ts';
import { type Emulator, hasDynoxide, ledgerOn, startDynamoDbLocal, startDynoxide } from '../support/emulators.ts';
import { readOptions } from '../support/options.ts';
import { seededRandom } from '../support/random.ts';
import { createTally } from '../support/tally.ts';

const help = `
npm run costs -- [options]

Runs operations on the real engine over stores in memory that count requests and units as DynamoDB (on demand) and S3
(standard) charge for them, and prints what one operation takes on average, and a million of them by the list prices of
us-east-1: write unit $0.625, read unit $0.125, PUT $5, GET $0.40 a million. Storage, transfer and functions are not in it.

  - each operation by itself: sent after the one before it, as one request of one record, nothing shared with others. The
    partition is a long one: offsets have 13 digits, which makes items larger. What it may cost is its row of docs/COSTS.md
  - appends of records of 1 KB to 1 MB with the policy of servers: what goes into the ledger, and what a GiB costs
  - a day at rest: the compactor's looks at its work list, on a log where there is nothing to do
  - the count itself against what emulators say that they charge (ReturnConsumedCapacity): DynamoDB Local, which needs
    Java 17, and dynoxide, also for transactions

  --appends N    operations of each row (4000)
  --ci           1000

Exits 1 where a row costs more than it may, or the counts differ.
`;

const options = readOptions(help, { appends: 'number', ci: 'flag' });
const times = options.appends ?? (options.ci ? 1_000 : 4_000);
/** Of Lambda on arm64; a look takes 16 reads, one after the other. */
const lambda = { start: 0.2e-6, gbSecond: 0.0000133334, gb: 0.5, seconds: 0.15 };
const minutesADay = 1_440;
const daysAMonth = 30.4;
const prices = { writeUnits: 0.625, readUnits: 0.125, puts: 5, gets: 0.4 };
const firstOffset = 2_000_000_000_001;
/** Producers that come and go make an average that is not round. */
const tolerance = 0.001;

type Counts = Units & Requests;
const units = ['writeUnits', 'readUnits', 'puts', 'gets'] as const;
/** In the order of `units`. */
type Most = readonly [number, number, number, number];
type Row = {
  readonly name: string;
  readonly inline?: boolean;
  /** Records before the first operation, read by nobody since. */
  readonly filled?: number;
  /** How often, where not as often as the others. */
  readonly times?: number;
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

const read = (broker: Broker, start: Start) => fetchRecords(broker, { topic: 'costs', partition: 0, start, budget: { maxBytes: 1, maxRecords: 1 }, waitMs: 0 });
const filled = 2_000;

const rows: readonly Row[] = [
  { name: 'append', run: plain },
  { name: 'group of 16 appends', run: (broker) => Promise.all(Array.from({ length: 16 }, () => plain(broker))) },
  { name: 'append, 200 bytes inline', inline: true, run: plain },
  { name: 'idempotent append, 1 producer', run: producers(1) },
  { name: 'idempotent append, 4 producers', run: producers(4) },
  { name: 'idempotent append, 8 producers', run: producers(8) },
  { name: 'idempotent append, 16 producers', run: producers(16) },
  { name: 'idempotent append, 64 producers', run: producers(64) },
  {
    name: 'idempotent append, sent again',

    before: (broker) => sendAs(broker, 5),
    run: (broker) => stands(appendRecords(broker, { topic: 'costs', partition: 0, records, producer: () => ({ id: 5, epoch: 0, sequence: (sequences.get(5) ?? 1) - 1 }) })),
  },
  { name: 'append with an idempotency key', run: keyed },
  { name: 'append with a key, sent again', before: (broker) => keyed(broker, 0), run: (broker) => keyed(broker, 0) },
  { name: 'read at the end', before: plain, run: (broker) => read(broker, { at: 'last', records: 1 }) },
  {
    name: 'read of what is old',

    filled,
    times: filled,
    // Each place once, and from behind: nothing is in memory.
    run: (broker, i) => read(broker, { at: 'offset', offset: firstOffset + filled - 1 - i }),
  },
  { name: 'describe a topic of 1 partition', run: (broker) => describeTopic(broker, 'costs') },
  { name: 'create a topic of 1 partition', times: 200, run: (broker, i) => createTopic(broker, { name: `made-${i}`, partitions: 1 }) },
];

const none = (): Counts => ({ writeUnits: 0, readUnits: 0, writes: 0, reads: 0, puts: 0, gets: 0 });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Of one operation. */
async function measure({ run, before, inline = false, filled: count = 0, times: wanted = times }: Row): Promise<Counts> {
  const counts = none();
  const stores = { ledger: memoryLedger(), objects: memoryObjectStore(systemClock.nowMs) };
  let broker = await cloudBroker(stores, counts, inline ? cloudPolicy.inlineMaxBytes : 0);
  const warmUp = count > 0 ? 0 : 200;
  for (let i = 0; i < count; i++) {
    await plain(broker);
    await settled();
  }
  // Another server, which remembers nothing.
  if (count > 0) broker = await cloudBroker(stores, counts, 0);
  await before?.(broker);
  for (let i = -warmUp; i < wanted; i++) {
    if (i === 0) Object.assign(counts, none());
    await run(broker, before === undefined ? i + warmUp : 0);
    // A rotation takes two writes of some milliseconds, an upload 60: it is over when the next append is sent.
    await settled();
  }
  return each(counts, wanted);
}

const each = (counts: Counts, operations: number): Counts => Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / operations])) as Counts;

/** What is read again every few seconds would depend on how fast this machine is: docs/COSTS.md tells what it costs. */
const standing: Clock = { ...systemClock, monotonicMs: () => 0 };

type Stores = { readonly ledger: Ledger; readonly objects: ObjectStore };

/** With a topic of long offsets, where there is none yet. */
async function cloudBroker(stores: Stores, counts: Counts, inlineMaxBytes: number): Promise<Broker> {
  const ledger: Ledger = { ...meteredLedger(stores.ledger, counts), limits: { maxItemBytes: 400 * 1024, maxWritesTogether: 100, writeUnitBytes: 1024 } };
  const telemetry = {
    count: () => {},
    commitSize: () => {},
    report: (event: string, _: unknown, cause: unknown) => {
      throw new Error(event, { cause });
    },
  };
  const objects = meteredObjectStore(stores.objects, counts);
  // Nothing is remembered of the head: each append reads it, weakly, while its payload is stored.
  const policy = { ...cloudPolicy, inlineMaxBytes, viewMaxAgeMs: -1 };
  const broker = await createBroker({ ledger, objects, clock: standing, random: systemRandom(), wakeups: memoryWakeups(), telemetry, codecs: nodeCodecs }, policy);
  const { topic, created } = await createTopic(broker, { name: 'costs', partitions: 1 });
  if (!created) return broker;
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

const tally = createTally();
const cell = (number: number, digits: number): string => number.toFixed(digits).padStart(9);
const header = (name: string, columns: readonly string[]): string => `${name.padEnd(34)}${columns.map((column) => column.padStart(9)).join('')}`;
const dollars = (counts: Counts): number => Object.entries(prices).reduce((sum, [name, price]) => sum + counts[name as keyof typeof prices] * price, 0);
const problems: string[] = [];

/** What an operation may take, by its name: the table of docs/COSTS.md. */
function documented(): Map<string, Most> {
  const text = readFileSync(new URL('../../docs/COSTS.md', import.meta.url), 'utf8');
  return new Map([...text.matchAll(/^\| ([^|]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$/gm)].map(([, name = '', ...most]) => [name, most.map(Number) as unknown as Most]));
}

const bounds = documented();
const atRest = 'a day at rest';
for (const name of bounds.keys()) if (name !== atRest && !rows.some((row) => row.name === name)) problems.push(`${name} is in docs/COSTS.md, and is not measured`);
console.log(header('for each of them', ['WRU', 'RRU', 'PUT', 'GET', '$ / M', 'at most']));
for (const row of rows) {
  sequences.clear();
  const counts = await measure(row);
  const most = bounds.get(row.name);
  const over = units.filter((unit, i) => counts[unit] > (most?.[i] ?? Number.POSITIVE_INFINITY) * (1 + tolerance));
  for (const unit of over) problems.push(`${row.name}: ${counts[unit].toFixed(3)} ${unit}, and ${most?.join(' / ')} may be`);
  const bound = most === undefined ? '' : `  ${most.join(' / ')}`;
  console.log(`${row.name.padEnd(34)}${units.map((unit) => cell(counts[unit], 3)).join('')}${cell(dollars(counts), 2)}${bound}${over.length > 0 ? '  FAILED' : ''}`);
}
tally.check(`${bounds.size} operations cost no more than their rows`, problems);

console.log(`\n${header('an append of one record of', ['WRU', 'RRU', 'PUT', '$ / M', '$ / GiB'])}`);
const sizes: readonly (readonly [name: string, bytes: number])[] = [
  ['1 KB', 1024],
  ['3 KB', 3 * 1024],
  ['10 KB', 10 * 1024],
  ['100 KB', 100 * 1024],
  ['1 MB', 1024 * 1024 - 200],
];
const bySize = new Map<string, Counts>();
for (const [name, size] of sizes) {
  const large = incompressible(size);
  const counts = await measure({
    name,
    inline: true,
    times: Math.min(times, 400),
    run: (broker) => stands(appendRecords(broker, { topic: 'costs', partition: 0, records: () => [{ key: null, value: large, headers: [], timestamp: Date.now() }] })),
  });
  bySize.set(name, counts);
  const perGib = (dollars(counts) / 1e6) * (2 ** 30 / size);
  console.log(`${name.padEnd(34)}${[counts.writeUnits, counts.readUnits, counts.puts].map((count) => cell(count, 3)).join('')}${cell(dollars(counts), 2)}${cell(perGib, 3)}`);
}
tally.check('a record of 1 KB alone takes no PUT', (bySize.get('1 KB')?.puts ?? 1) === 0 ? [] : ['it does']);

await restForADay();

await crossCheck('DynamoDB Local', startDynamoDbLocal, false);
if (hasDynoxide()) await crossCheck('dynoxide', startDynoxide, true);
else console.log('\nTransactions are not compared: dynoxide is not there for this platform.');
tally.end();

/** The compactor as it is deployed, started every minute, on a log where all work has been done. */
async function restForADay(): Promise<void> {
  const stores = { ledger: memoryLedger(), objects: memoryObjectStore(systemClock.nowMs) };
  const counts = none();
  const broker = await cloudBroker(stores, none(), 0);
  sequences.clear();
  for (let i = 0; i < 20; i++) await plain(broker);
  await broker.background.idle();
  // Time goes by, and it comes to rest.
  for (let hours = 2; hours <= 6; hours += 2) await runDueWork({ ...broker, clock: { ...systemClock, nowMs: () => systemClock.nowMs() + hours * 3_600_000 } });
  const compact = createCompactor({ stores: { ledger: meteredLedger(stores.ledger, counts), objects: meteredObjectStore(stores.objects, counts) }, log: silent });
  const invocation = { getRemainingTimeInMillis: () => 300_000 };
  await compact(invocation);
  Object.assign(counts, none());
  let settled = 0;
  for (let minute = 0; minute < minutesADay; minute++) settled += (await compact(invocation)).settled;
  const [found, most] = [units.map((unit) => counts[unit]), bounds.get(atRest)];
  const aMonth = { dynamodb: (dollars(counts) / 1e6) * daysAMonth, lambda: minutesADay * daysAMonth * (lambda.start + lambda.gbSecond * lambda.gb * lambda.seconds) };
  console.log(`\n${header(atRest, ['WRU', 'RRU', 'PUT', 'GET'])}\n${' '.repeat(34)}${found.map((count) => cell(count, 0)).join('')}`);
  console.log(`a month of it: DynamoDB $${aMonth.dynamodb.toFixed(3)}, Lambda $${aMonth.lambda.toFixed(3)} (${minutesADay} starts a day of ${lambda.gb} GB for ${lambda.seconds * 1_000} ms)`);
  tally.check(
    'a log at rest is asked for nothing but the work list, once a minute',
    String(found) === String(most) && settled === 0 ? [] : [`${found.join(' / ')} a day, and ${most?.join(' / ')} is documented; ${settled} items of work were settled`],
  );
}

/** On an emulator that says what it charges. DynamoDB Local does not tell that a transaction takes twice as much. */
async function crossCheck(emulator: string, start: () => Promise<Emulator>, transactions: boolean): Promise<void> {
  const dynamo = await start();
  const meter = requestMeter();
  const { ledger, close } = await ledgerOn(dynamo, 'wadi', meter);
  const counts = none();
  const broker = await cloudBroker({ ledger, objects: memoryObjectStore(systemClock.nowMs) }, counts, cloudPolicy.inlineMaxBytes);
  const differences: string[] = [];
  const compare = async (name: string, operations: number, run: (i: number) => Promise<unknown>): Promise<void> => {
    const before = { ...meter.units() };
    Object.assign(counts, none());
    for (let i = 0; i < operations; i++) {
      await run(i);
      // A rotation goes on behind the append's answer.
      await quiet(meter);
    }
    const told = { writeUnits: meter.units().write - before.write, readUnits: meter.units().read - before.read };
    console.log(`${name.padEnd(34)}${cell(counts.writeUnits, 1)}${cell(told.writeUnits, 1)}${cell(counts.readUnits, 1)}${cell(told.readUnits, 1)}`);
    if (counts.writeUnits !== told.writeUnits || counts.readUnits !== told.readUnits)
      differences.push(`${name}: ${counts.writeUnits} and ${counts.readUnits} counted, ${told.writeUnits} and ${told.readUnits} told`);
  };
  console.log(`\n${header(`units, and as ${emulator} tells`, ['WRU', 'told', 'RRU', 'told'])}`);
  sequences.clear();
  await compare('200 appends inline', 200, () => plain(broker));
  await compare('200 idempotent appends', 200, (i) => producers(4)(broker, i));
  await compare('50 appends with a key', 50, (i) => keyed(broker, i));
  await compare('50 reads', 50, () => read(broker, { at: 'last', records: 1 }));
  if (transactions) await compare('10 topics of 2 partitions', 10, (i) => createTopic(broker, { name: `made-${i}`, partitions: 2 }));
  tally.check(`the units counted are those that ${emulator} tells`, differences);
  close();
  await dynamo.stop();
}

/** Until no request is under way: a rotation sends its two writes one after the other. */
async function quiet(meter: RequestMeter): Promise<void> {
  do await settled();
  while (meter.inFlight() > 0);
}

function incompressible(size: number): Uint8Array {
  const random = seededRandom(1);
  return Uint8Array.from({ length: size }, () => random.between(0, 255));
}
