// npm run contention: many writers of one partition, over several server processes that share one table.

import { setTimeout as wait } from 'node:timers/promises';
import { requestMeter } from '../../src/adapters/aws/request-meter.ts';
import { systemClock } from '../../src/adapters/local/system-clock.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { createTopic } from '../../src/broker/create-topic.ts';
import { fetchRecords } from '../../src/broker/fetch.ts';
import { openCloudOn } from '../../src/wiring/cloud.ts';
import type { Home } from '../../src/wiring/home.ts';
import { createSend } from '../crash/http.ts';
import { readEverything } from '../crash/readers.ts';
import { createRecorder } from '../crash/recorder.ts';
import { append, parse, type World } from '../crash/world.ts';
import { checkHistory } from '../support/check-history.ts';
import { startCloud } from '../support/cloud.ts';
import { ledgerOn, startDynamoDbLocal } from '../support/emulators.ts';
import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { seededRandom } from '../support/random.ts';
import { encodeBatch } from '../support/record-batch.ts';
import { scrapeSum } from '../support/scrape.ts';
import { startServer } from '../support/server-process.ts';
import { startFront } from '../support/store-front.ts';
import { createTally } from '../support/tally.ts';

const help = `
npm run contention -- [options]

Many writers of one partition on DynamoDB Local (Java 17) and, for servers, versitygw:

  - 64 clients over 4 server processes, one request in flight each. Offsets must be dense and everything that was
    acknowledged must be there, once; a commit may take 1.2 writes of the ledger
  - the same, where a tenth of the writes to both stores loses its answer and another tenth is sent twice
  - 64 lone writers, each a broker of its own: 2.5 writes for a commit, and nothing fails

Requests are larger than what goes into the ledger, so that its writes are those of the commit protocol alone.

  --seconds N    of each (20)
  --seed N       (1)
  --ci           5 s

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { seconds: 'number', seed: 'number', ci: 'flag' });
const seconds = options.seconds ?? (options.ci ? 5 : 20);
const seed = options.seed ?? 1;
const [clients, servers, loneWriters] = [64, 4, 64];
const mostWrites = { shared: 1.2, alone: 2.5 };
const requestTimeoutMs = 30_000;
/** Above `inlineMaxBytes`. */
const recordBytes = 5_000;
const share = 0.1;
const writeOperations = ['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems'];
const tally = createTally();

await servedClients(false);
await servedClients(true);
await aloneEach();
tally.end();

async function servedClients(withFaults: boolean): Promise<void> {
  const random = seededRandom(seed).fork(withFaults ? 'faults' : 'plain');
  const fates = random.fork('fates');
  const front = (emulator: Parameters<typeof startFront>[0]) =>
    startFront(emulator, {
      fate: ({ writes }) => {
        const drawn = writes ? fates.next() : 1;
        return drawn < share ? 'lost' : drawn < 2 * share ? 'twice' : 'once';
      },
    });
  const fronts: Awaited<ReturnType<typeof startFront>>[] = [];
  const kept = async (emulator: Parameters<typeof startFront>[0]) => {
    const made = await front(emulator);
    fronts.push(made);
    return made;
  };
  const cloud = await startCloud({ dynamo: startDynamoDbLocal, ...(withFaults ? { dynamoFront: kept, s3Front: kept } : {}) });
  const running = await Promise.all(Array.from({ length: servers }, () => startServer(cloud.server)));
  const recorder = createRecorder();
  let stopped = false;
  const sends = running.map(({ url }) => createSend(() => url, requestTimeoutMs));
  const base = { recorder, random, stopped: () => stopped, target: { up: async () => {} } };
  const [firstSend] = sends as [(typeof sends)[0]];
  const create = () => firstSend('/v1/topics/hot', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"partitions":1}' });
  let created = await create();
  // Where an answer of the store was lost.
  while (created.status === 503) created = await create();
  if (created.status > 201) throw new Error(`the topic could not be created: ${created.status} ${created.body.toString()}`);
  const worlds = sends.map((send): World => ({ ...base, send, topic: { name: 'hot', id: parse(created).topicId, partitions: 1 } }));
  const sum = async (name: string, labels?: Readonly<Record<string, readonly string[]>>) => (await Promise.all(running.map(({ url }) => scrapeSum(url, name, labels)))).reduce((a, b) => a + b, 0);
  const counted = async () => ({ commits: await sum('wadi_commits_total'), writes: await sum('wadi_aws_requests_total', { service: ['dynamodb'], operation: writeOperations }) });
  const before = await counted();

  const load = Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const world = worlds[i % servers] as World;
      const values = random.fork(`client ${i}`);
      while (!stopped) {
        const value = recorder.value(`client-${i}`, recordBytes, values);
        const body = `{"records":[{"value":${value.json}}]}`;
        await append(world, `client-${i}`, 'JSON', '/v1/topics/hot/partitions/0/records', { headers: { 'content-type': 'application/json' }, body }, [{ partition: 0, values: [value] }]);
      }
    }),
  );
  await passSeconds(seconds, withFaults ? `${clients} clients, faults` : `${clients} clients`, () => recorder.counts.get('acknowledged records') ?? 0);
  stopped = true;
  await load;
  const after = await counted();
  const final = await readEverything(worlds[0] as World, 'in-the-end');
  for (const server of running) await server.stop();
  await cloud.stop();

  const commits = after.commits - before.commits;
  const writes = after.writes - before.writes;
  const told = (name: string) => recorder.counts.get(name) ?? 0;
  const [acknowledged, refused, unknown] = [told('acknowledged records'), told('refused records'), told('unknown records')];
  const faults = fronts.reduce((all, { counts }) => ({ lost: all.lost + counts.lost, twice: all.twice + counts.twice }), { lost: 0, twice: 0 });
  const name = `${clients} clients over ${servers} servers${withFaults ? ', with faults' : ''}`;
  const each = writes / commits;
  console.log(
    `${name}: ${acknowledged.toLocaleString('en')} records acknowledged, ${refused} refused, ${unknown} unknown; ${commits} commits, ${each.toFixed(3)} writes of the ledger each, ${(acknowledged / commits).toFixed(1)} records each${
      withFaults ? `; ${faults.lost} answers lost, ${faults.twice} sent twice` : ''
    }`,
  );
  const violations = checkHistory(recorder.events, { final });
  tally.check(
    `${name}: offsets are dense, and what was acknowledged is there, once`,
    violations.map(({ invariant, detail }) => `${invariant}: ${detail}`),
  );
  tally.check(
    `${name}: every answer is one that the API promises`,
    [...recorder.unexpected].map(([what, count]) => `${count} times: ${what}`),
  );
  if (withFaults) tally.check(`${name}: the faults were real`, faults.lost > 0 && faults.twice > 0 ? [] : ['no answer was lost, or no request was sent twice']);
  else {
    tally.check(`${name}: nothing is refused, and nothing is unknown`, refused + unknown === 0 ? [] : [`${refused} refused, ${unknown} unknown`]);
    tally.check(`${name}: at most ${mostWrites.shared} writes of the ledger for a commit`, each <= mostWrites.shared ? [] : [each.toFixed(3)]);
  }
}

async function aloneEach(): Promise<void> {
  const dynamo = await startDynamoDbLocal();
  const meter = requestMeter();
  const { ledger, close } = await ledgerOn(dynamo, 'wadi', meter);
  const objects = memoryObjectStore(systemClock.nowMs);
  const homes: Home[] = [];
  for (let i = 0; i < loneWriters; i++) homes.push(await openCloudOn({ ledger, objects, release: () => {} }));
  const [reader] = homes as [Home];
  const { topic } = await createTopic(reader.broker, { name: 'hot', partitions: 1 });
  const writesOf = () => meter.requests().reduce((sum, { operation, ended }) => sum + (writeOperations.includes(operation) ? ended.ok + ended.refused + ended.throttled + ended.failed : 0), 0);
  const before = writesOf();
  const stored = new Map<number, string>();
  const problems: string[] = [];
  let stopped = false;
  const load = Promise.all(
    homes.map(async ({ broker }, i) => {
      for (let n = 0; !stopped; n++) {
        const text = `${i}.${n} ${'x'.repeat(recordBytes)}`;
        const bytes = new Uint8Array(encodeBatch([{ value: Buffer.from(text) }], Date.now()));
        const result = await broker.committer.append(topic.id, 0, { bytes, count: 1, maxTimestamp: Date.now() });
        if (!('baseOffset' in result)) problems.push('error' in result ? `${result.error.code}: ${result.error.message}` : 'told to be a repeat');
        else if (stored.has(result.baseOffset)) problems.push(`offset ${result.baseOffset} was given twice`);
        else stored.set(result.baseOffset, text.slice(0, 20));
      }
    }),
  );
  await passSeconds(seconds, `${loneWriters} lone writers`, () => stored.size);
  stopped = true;
  await load;
  const each = (writesOf() - before) / stored.size;
  for (let offset = 0; offset < stored.size; ) {
    const page = await fetchRecords(reader.broker, { topic: 'hot', partition: 0, start: { at: 'offset', offset }, budget: { maxBytes: 2 ** 20, maxRecords: 1_000 }, waitMs: 0 });
    for (const record of page.records)
      if (stored.get(record.offset) !== new TextDecoder().decode(record.value ?? undefined).slice(0, 20)) problems.push(`offset ${record.offset} holds something else`);
    if (page.nextOffset === offset) break;
    offset = page.nextOffset;
  }
  const highest = Math.max(...stored.keys());
  if (highest !== stored.size - 1) problems.push(`${stored.size} records, but the last offset is ${highest}`);
  for (const home of homes) await home.close();
  close();
  await dynamo.stop();
  console.log(`${loneWriters} lone writers: ${stored.size} commits, ${each.toFixed(3)} writes of the ledger each`);
  tally.check(`${loneWriters} lone writers: none fails, offsets are dense, and what was acknowledged is there`, problems);
  tally.check(`${loneWriters} lone writers: at most ${mostWrites.alone} writes of the ledger for a commit`, each <= mostWrites.alone ? [] : [each.toFixed(3)]);
}

async function passSeconds(forSeconds: number, name: string, count: () => number): Promise<void> {
  const progress = startProgress(name, forSeconds);
  for (let second = 1; second <= forSeconds; second++) {
    await wait(1_000);
    progress.update(second, `${count().toLocaleString('en')} records acknowledged`);
  }
  progress.end();
}
