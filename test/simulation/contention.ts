// npm run simulate:contention: many writers of one partition, each a broker of its own with the real committer, on a
// ledger that takes 1,000 write units a second of one item, as DynamoDB does. In virtual time.

import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { memoryWakeups } from '../../src/adapters/memory/wakeups.ts';
import { type Broker, createBroker, type Ports } from '../../src/broker/broker.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import type { Item, Key, Value, Write, WriteOutcome } from '../../src/log/write.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import { limits } from '../../src/record/limits.ts';
import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { type SeededRandom, seededRandom } from '../support/random.ts';
import { encodeBatch } from '../support/record-batch.ts';
import { createTimeline, type Timeline } from './timeline.ts';

const help = `
npm run simulate:contention -- [options]

N writers of one partition, each a broker with the real committer, 50 records a second each, in virtual time. The
ledger takes 1,000 write units a second of one item, first come first served, and throttles beyond 200 writes that
wait. A call takes 7.6 ms (median; 16 ms at the 99th percentile), an upload 60 ms (250 ms). All writers begin at once;
60 s are measured after 15 s. With the rule of admission (docs/PROTOCOL.md, 2.12) and without it.

From 48 writers on the rule must reach 0.9 of its best rate of commits, nothing may be refused up to 256 writers, and
without the rule the collapse must be seen. With more writers than that, each request must be answered in time: by an
acknowledgement or by 429, all but one in 1,000.

  --seconds N    how long to measure (60)
  --seed S       (1)
  --ci           10 s, and only some of the counts

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { seconds: 'number', seed: 'number', ci: 'flag' });
const seconds = options.seconds ?? (options.ci ? 10 : 60);
const seed = options.seed ?? 1;

const warmUpMs = 15_000;
const recordsPerSecond = 50;
const itemWriteUnitsPerSecond = 1_000;
/** Writes that wait for one item; beyond it they are throttled. */
const longestQueue = 200;
const counts = options.ci ? [32, 48, 128] : [16, 32, 48, 64, 128, 256];
const tooMany = options.ci ? [] : [512, 1_024];
/** An append may wait so long for its commit to begin, and then for the commit. */
const inTimeMs = 2 * limits.appendTimeoutMs + 1_000;

type Figures = {
  readonly writers: number;
  readonly commits: number;
  readonly records: number;
  readonly p50: number;
  readonly p99: number;
  /** A second, by 429. */
  readonly refused: number;
  /** A second, by any other error. */
  readonly otherwise: number;
  /** Longest time to any answer. */
  readonly slowestAnswer: number;
};

/** What a design calculation with a simpler model had given: commits/s, records/s, p50 and p99 in ms. */
const expected: Readonly<Record<number, string>> = {
  16: '193 / 798 / 121 / 356',
  32: '379 / 1599 / 123 / 374',
  48: '419 / 2398 / 139 / 390',
  64: '421 / 3197 / 159 / 410',
  128: '426 / 6412 / 243 / 995',
  256: '431 / 12893 / 392 / 1412',
};

/** Spread as logarithms of a normal distribution, which fits what is measured of calls over a network. */
function logNormal(random: SeededRandom, median: number, spread: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return median * Math.exp(spread * normal);
}

/** In the count by which DynamoDB charges: names and values, with 3 bytes for a list or map and 1 for each entry. */
function sizeOf(value: Value): number {
  if (typeof value === 'number') return 1 + Math.ceil(String(Math.abs(value)).length / 2);
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return 3 + value.reduce((sum: number, entry: Value) => sum + 1 + sizeOf(entry), 0);
  return 3 + Object.entries(value).reduce((sum, [name, entry]) => sum + 1 + name.length + sizeOf(entry), 0);
}

const itemSize = ({ pk, sk }: Key, item: Item | undefined): number => 4 + pk.length + sk.length + Object.entries(item ?? {}).reduce((sum, [name, value]) => sum + name.length + sizeOf(value), 0);

/** Writes of one item wait for each other. The units of a refused write count as well. */
function createHotLedger(timeline: Timeline, inner: Ledger): { readonly of: (random: SeededRandom, rule: boolean) => Ledger } {
  const queues = new Map<string, Promise<unknown>>();
  const waiting = new Map<string, number>();
  const roundTrip = (random: SeededRandom) => logNormal(random, 7.6, 0.32);

  async function write(random: SeededRandom, sent: Write): Promise<WriteOutcome> {
    const tripMs = roundTrip(random);
    const name = `${sent.key.pk}/${sent.key.sk}`;
    await timeline.sleep(tripMs / 2);
    const ahead = waiting.get(name) ?? 0;
    if (ahead >= longestQueue) {
      await timeline.sleep(tripMs / 2);
      throw new StoreFailure('throttled', 'none', 'too many writes of one item');
    }
    waiting.set(name, ahead + 1);
    const turn = (queues.get(name) ?? Promise.resolve()).then(() => carryOut(sent));
    queues.set(name, turn);
    const outcome = await turn;
    waiting.set(name, (waiting.get(name) ?? 0) - 1);
    await timeline.sleep(tripMs / 2);
    return outcome;
  }

  async function carryOut(sent: Write) {
    const [old] = await inner.read([sent.key], { strong: true });
    const outcome = await inner.write(sent);
    const units = Math.max(1, Math.ceil(Math.max(itemSize(sent.key, old), itemSize(sent.key, outcome.item)) / 1024));
    await timeline.sleep((units * 1000) / itemWriteUnitsPerSecond);
    return outcome;
  }

  return {
    of: (random, rule) => ({
      ...inner,
      limits: rule ? { ...inner.limits, itemWriteUnitsPerSecond } : inner.limits,
      async read(keys, how) {
        const tripMs = roundTrip(random);
        await timeline.sleep(tripMs / 2);
        const items = await inner.read(keys, how);
        await timeline.sleep(tripMs / 2);
        return items;
      },
      write: (sent) => write(random, sent),
    }),
  };
}

function slowUploads(timeline: Timeline, inner: ObjectStore, random: SeededRandom): ObjectStore {
  return {
    ...inner,
    async create(key, bytes) {
      await timeline.sleep(logNormal(random, 60, 0.61));
      return inner.create(key, bytes);
    },
  };
}

async function measure(writers: number, rule: boolean): Promise<Figures> {
  const timeline = createTimeline(Number.POSITIVE_INFINITY);
  const random = seededRandom(seed).fork(`${writers} writers`);
  const ledger = createHotLedger(timeline, memoryLedger());
  // Nothing is read back: only that an object was made matters.
  const objects = memoryObjectStore(() => timeline.now());
  let ids = 0;
  let commits = 0;
  let measuring = false;
  const times: number[] = [];
  const endMs = warmUpMs + seconds * 1000;
  let [refused, otherwise, slowestAnswer, open] = [0, 0, 0, 0];

  const portsOf = (own: SeededRandom): Ports => ({
    ledger: ledger.of(own, rule),
    objects: slowUploads(timeline, objects, own),
    clock: { nowMs: () => 1_795_219_200_000 + timeline.now(), monotonicMs: () => timeline.now(), after: (delayMs, run) => timeline.after(delayMs, run) },
    random: {
      bytes(count) {
        const bytes = new Uint8Array(count);
        new DataView(bytes.buffer).setUint32(count - 4, ++ids);
        bytes[0] = own.between(0, 255);
        return bytes;
      },
      fraction: () => own.next(),
    },
    wakeups: memoryWakeups(),
    telemetry: {
      count(counter, by = 1) {
        if (counter === 'commits' && measuring) commits += by;
      },
      commitSize: () => {},
      report: () => {},
    },
    codecs: nodeCodecs,
  });

  let topicId = '';
  const brokers: Broker[] = [];
  let ready = false;
  void (async () => {
    for (let i = 0; i < writers; i++) brokers.push(await createBroker(portsOf(random.fork(`writer ${i}`)), { inlineMaxBytes: 0, inlineTogether: false, producersStayCommits: 64, viewMaxAgeMs: 20 }));
    topicId = (await createTopic(brokers[0] as Broker, { name: 'hot', partitions: 1 })).topic.id;
    ready = true;
  })();
  await timeline.run(() => ready);
  const began = timeline.now();

  const bytes = encodeBatch([{ value: Buffer.from('x'.repeat(100)), timestamp: 1_795_219_200_000 }], 0);
  const part = () => ({ bytes: new Uint8Array(bytes), count: 1, maxTimestamp: 1_795_219_200_000 });
  for (const [i, broker] of brokers.entries()) {
    const arrivals = random.fork(`arrivals ${i}`);
    const come = (): void => {
      const cameAt = timeline.now();
      if (cameAt - began > endMs) return;
      const isMeasured = cameAt - began > warmUpMs;
      open++;
      void broker.committer.append(topicId, 0, part()).then((result) => {
        open--;
        const tookMs = timeline.now() - cameAt;
        slowestAnswer = Math.max(slowestAnswer, tookMs);
        if (!('error' in result)) {
          if (measuring) times.push(tookMs);
        } else if (!isMeasured) return;
        else if (result.error.code === 'partition_busy') refused++;
        else otherwise++;
      });
      timeline.after((-Math.log(1 - arrivals.next()) * 1000) / recordsPerSecond, come);
    };
    timeline.after((arrivals.next() * 1000) / recordsPerSecond, come);
  }
  timeline.after(warmUpMs, () => {
    measuring = true;
  });
  await timeline.run(() => false, began + endMs);
  measuring = false;
  // What is under way must be answered as well.
  await timeline.run(() => open === 0, began + endMs + inTimeMs);
  if (open > 0) slowestAnswer = Number.POSITIVE_INFINITY;
  times.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(times[Math.floor((times.length - 1) * share)] ?? 0);
  return { writers, commits: commits / seconds, records: times.length / seconds, p50: at(0.5), p99: at(0.99), refused: refused / seconds, otherwise: otherwise / seconds, slowestAnswer };
}

let passed = 0;
let failed = 0;
function check(holds: boolean, what: string): void {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${what}`);
}

const round = (number: number): string => Math.round(number).toLocaleString('en');
const show = ({ commits, records, p50, p99, refused, otherwise }: Figures): string =>
  `${[commits, records, p50, p99].map(round).join(' / ')}${refused + otherwise > 0 ? `, refused ${round(refused)}/s, otherwise ${round(otherwise)}/s` : ''}`;

const runs = [...[...counts, ...tooMany].map((writers) => ({ writers, rule: true })), ...counts.map((writers) => ({ writers, rule: false }))];
const progress = startProgress('contention', runs.length);
const withRule: Figures[] = [];
const without: Figures[] = [];
for (const [i, { writers, rule }] of runs.entries()) {
  progress.update(i, `${writers} writers${rule ? '' : ' without the rule'}`);
  (rule ? withRule : without).push(await measure(writers, rule));
}
progress.end();

console.log('commits/s / records/s / median / 99th percentile, ms');
for (const figures of withRule) {
  const other = without.find(({ writers }) => writers === figures.writers);
  console.log(
    `${String(figures.writers).padStart(6)} writers: ${show(figures).padEnd(40)} ${other === undefined ? '' : `without the rule: ${show(other)}`.padEnd(70)} ${expected[figures.writers] === undefined ? '' : `design: ${expected[figures.writers]}`}`.trimEnd(),
  );
}
const best = Math.max(...withRule.map(({ commits }) => commits));
for (const { writers, commits, refused, otherwise } of withRule.filter(({ writers }) => counts.includes(writers))) {
  if (writers >= 48) check(commits >= 0.9 * best, `${writers} writers commit at ${(commits / best).toFixed(3)} of the best rate (0.9 at least)`);
  check(refused + otherwise === 0, `${writers} writers: nothing is refused`);
}
const crowd = without.at(-1) as Figures;
const ruled = withRule.find(({ writers }) => writers === crowd.writers) as Figures;
check(crowd.commits < 0.5 * ruled.commits, `${crowd.writers} writers without the rule: the collapse is seen (${round(crowd.commits)} commits/s, ${round(ruled.commits)} with it)`);
for (const { writers, slowestAnswer, records, refused, otherwise } of withRule.filter(({ writers }) => tooMany.includes(writers))) {
  check(
    slowestAnswer <= inTimeMs && otherwise <= (records + refused) / 1_000,
    `${writers} writers: each request is answered in time (${(slowestAnswer / 1000).toFixed(1)} s at most), ${round(refused)}/s by 429, ${round(otherwise)}/s otherwise (1 in 1,000 at most)`,
  );
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
