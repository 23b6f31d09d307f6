// The crash test: producers and readers work against a real server process that is killed with SIGKILL at random
// moments and started again at once on the same folder. What they did and saw is judged by test/support/check-history.ts.

import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isKeyedProducer, spilledProducersKey } from '../../src/log/keys.ts';
import { openCloudOn } from '../../src/wiring/cloud.ts';
import { openEmbedded } from '../../src/wiring/embedded.ts';
import type { Home } from '../../src/wiring/home.ts';
import { checkHistory } from '../support/check-history.ts';
import { cloudMissing, startCloud } from '../support/cloud.ts';
import type { Violation } from '../support/history.ts';
import { readOptions, wrongOption } from '../support/options.ts';
import { plantTree } from '../support/planted-tree.ts';
import { startProgress } from '../support/progress.ts';
import { seededRandom } from '../support/random.ts';
import { temporaryFolder } from '../support/server-process.ts';
import { checkTopics, churnTopics, createTopic, type Expectations } from './churn.ts';
import { createCloudTarget } from './cloud-target.ts';
import { runControls } from './controls.ts';
import { leaveEvidence } from './evidence.ts';
import { createSend } from './http.ts';
import { checkOnce, runIdempotent } from './idempotent.ts';
import { startLambdaTarget } from './lambda-target.ts';
import { createForgetfulDisk } from './power-cut.ts';
import { runProducers } from './producers.ts';
import { readEverything, runReaders } from './readers.ts';
import { createRecorder } from './recorder.ts';
import { createTarget } from './target.ts';
import type { World } from './world.ts';

const help = `
npm run crash -- [options]

Kills a real server with SIGKILL, again and again, under the load of 18 producers (JSON, values, record batches,
expected offsets, several partitions at once) and 7 readers (following sessions as JSON and as record batches, a
topic cursor, auditors of old pages) while topics come and go. Then everything is read back, twice, with a graceful
restart in between, and the whole history is judged: nothing acknowledged is lost or changed, nothing refused
stands, nothing is torn, offsets are dense, readers go forward only.

  --kills N      how often to kill (200, about 5 minutes)
  --seed N       seed of all random choices (1); the moments of the kills are drawn from it, what they hit is chance
  --ci           a short run: 15 kills (--cloud: 8, --lambda: 4)
  --keep         keep the data folder, and with it the history (history.jsonl)
  --drop-unsynced
                 a power cut at each kill: what the server did not sync is lost (needs gcc; test/crash/unsynced.c).
                 Then the same with small journal files, so that files are removed, and with faults planted in copies
                 of the tree (test/crash/planted), each of which must be noticed
  --idempotent   besides producers with sequences and clients with idempotency keys, who send everything again until it
                 is certain; the server rotates after every third commit, so that what it knows of them is soon spilled
  --cloud        four servers on one table and one bucket (dynoxide and versitygw, which live on): each kill hits one of
                 them or several at the same moment, and clients go from server to server
  --lambda       functions deployed on LocalStack (test/localstack), whose processes are killed, one, some or all at a
                 moment; a kill every few seconds, and 6 producers
  --server FILE  another server to test: a program that takes --data DIR --host H --port N and prints its URL

Ends with 'N passed, N failed'; exits 1 if anything failed. After a violation the data folder is kept.
`;

const spillsNeeded = ['spilled producers', 'spilled keys', 'newest batches sent again', 'older batches sent again', 'old epochs refused', 'keys sent again', 'keys refused for another body'];

const maxStartMs = 10_000;
const requestTimeoutMs = 30_000;

const options = readOptions(help, { kills: 'number', seed: 'number', ci: 'flag', keep: 'flag', server: 'text', 'drop-unsynced': 'flag', idempotent: 'flag', cloud: 'flag', lambda: 'flag' });
if ((options.cloud || options.lambda) && (options['drop-unsynced'] || options.server !== undefined)) wrongOption('--cloud and --lambda go with neither --drop-unsynced nor --server');
if (options.lambda && (options.cloud || options.idempotent)) wrongOption('--lambda goes with neither --cloud nor --idempotent');
const missing = options.cloud ? cloudMissing() : undefined;
if (missing !== undefined) wrongOption(`--cloud is not possible here: ${missing}`);
if (options.ci && options.kills !== undefined) wrongOption('--ci sets the number of kills itself: give --ci or --kills');
const kills = options.ci ? (options.lambda ? 4 : options.cloud ? 8 : 15) : (options.kills ?? 200);
const random = seededRandom(options.seed ?? 1);
const dataDir = temporaryFolder('crash', true);
const recorder = createRecorder();
const dropsUnsynced = options['drop-unsynced'];
const tree = options.idempotent && options.server === undefined ? await plantTree([join(import.meta.dirname, 'planted', 'small-tail.patch')]) : undefined;
const server = tree === undefined ? options.server : join(tree.folder, 'src/server/main.ts');
const lambda = options.lambda ? await startLambdaTarget(random.fork('who'), requestTimeoutMs) : undefined;
const cloud = options.cloud ? await startCloud(tree === undefined ? {} : { entry: join(tree.folder, 'src/cli/start.ts') }) : undefined;
const target =
  lambda?.target ??
  (cloud === undefined ? createTarget(dataDir, server, maxStartMs, dropsUnsynced ? createForgetfulDisk(dataDir) : undefined) : createCloudTarget(cloud, random.fork('who'), maxStartMs));
/** A server that does not come up again ends the test: what it says of that is the finding. */
async function start(): Promise<void> {
  try {
    await target.start();
  } catch (error) {
    console.log(`FAILED the server starts again\n         ${error instanceof Error ? error.message : String(error)}\n0 passed, 1 failed`);
    leaveEvidence(dataDir, recorder, { failed: true });
    process.exit(1);
  }
}
let stopped = false;
const expectations: Expectations = new Map();
const base = { target, recorder, random, stopped: () => stopped, send: lambda?.send ?? createSend(target.url, requestTimeoutMs) };
console.log(`${kills} ${dropsUnsynced ? 'power cuts' : 'kills'}, seed ${options.seed ?? 1}, ${cloud === undefined && lambda === undefined ? `data in ${dataDir}` : 'on a table and a bucket'}`);

await start();
const topic = await createTopic(base, 'crash', 4, expectations);
if (topic === undefined) throw new Error(`the topic could not be created: ${[...recorder.unexpected.keys()].join('; ')}`);
const world: World = { ...base, topic, ...(options.lambda ? { maxBodyBytes: 4_500_000 } : {}) };

const idempotent = options.idempotent ? runIdempotent(world) : undefined;
const load = Promise.all([runProducers(world, options.idempotent || options.lambda ? 1 : 3), runReaders(world), churnTopics(world, expectations), idempotent]);
let early = 0;
const progress = startProgress('kills', kills);
await Promise.race([load, killAgainAndAgain()]);
async function killAgainAndAgain(): Promise<void> {
  const delays = random.fork('delays');
  for (let kill = 1; kill <= kills; kill++) {
    // A moment drawn at random, not a condition that could be waited for.
    await wait((delays.chance(0.15) ? delays.between(400, 1500) : delays.between(20, 400)) * (options.lambda ? 20 : 1));
    if (dropsUnsynced && delays.chance(0.1)) await target.stop();
    else await target.kill();
    if (delays.chance(0.1)) {
      early++;
      await target.startAndKill(delays.between(0, 400));
    }
    await start();
    progress.update(kill, `${(recorder.counts.get('acknowledged records') ?? 0).toLocaleString('en')} records acknowledged`);
  }
  await wait(500);
  stopped = true;
}
progress.end();
await load;

const starts = [...target.startsMs].sort((a, b) => a - b);
await readEverything(world, 'before-stop');
await target.stop();
await start();
const final = await readEverything(world, 'after-stop');
await checkTopics(world, expectations);
await target.stop();

console.log('judging the history');
const violations = checkHistory(recorder.events, { final });
const outcome = report(violations);
const once = await idempotent;
const stores = cloud ?? lambda?.stores;
const left = stores === undefined ? await openEmbedded(dataDir) : await openCloudOn({ ...stores, release: () => {} });
const findings: string[] = [];
const audited = await left.audit({ finding: ({ place, problem }) => void findings.push(`${place}: ${problem}`) });
outcome.add(`an audit of ${audited.records.toLocaleString('en')} records in ${audited.partitions} partitions finds nothing`, findings);
if (once !== undefined) {
  await countSpilled(left, world);
  outcome.add('I5: each sequence and each key stands once, and is told its first offsets', checkOnce(once, recorder, 'after-stop-JSON'));
  outcome.add(
    'producers were spilled, and all of it was sent again',
    spillsNeeded.filter((name) => (recorder.counts.get(name) ?? 0) === 0).map((name) => `no ${name}`),
  );
  for (const name of spillsNeeded) console.log(`${(recorder.counts.get(name) ?? 0).toLocaleString('en').padStart(12)}  ${name}`);
}
await left.close();
await cloud?.stop();
if (lambda !== undefined) console.log(`${lambda.killed().toLocaleString('en')} processes of functions were killed`);
await lambda?.end();
tree?.remove();
if (dropsUnsynced && options.server === undefined) {
  const controls = await runControls(options.seed ?? 1, options.ci ? 6 : 30);
  outcome.passed += controls.passed;
  outcome.failed += controls.failed;
}
console.log(`${outcome.passed} passed, ${outcome.failed} failed`);
leaveEvidence(dataDir, recorder, { failed: outcome.failed > 0, keep: options.keep });

function report(found: readonly Violation[]): { passed: number; failed: number; add(name: string, problems: readonly string[]): void } {
  for (const [name, count] of [...recorder.counts].sort()) console.log(`${count.toLocaleString('en').padStart(12)}  ${name}`);
  console.log(`${String(kills).padStart(12)}  kills, and ${early} more during a start`);
  console.log(`restarts took ${Math.round(starts[starts.length >> 1] ?? 0)} ms in the median, ${Math.round(starts.at(-1) ?? 0)} ms at most`);
  const promises = {
    I1: 'offsets are dense',
    I2: 'what was read stays',
    I3: 'acknowledged means durable',
    I4: 'refused means absent, unknown means whole or not at all',
    I6: 'order of each client',
    I7: 'reads only go forward',
  };
  const tally = {
    passed: 0,
    failed: 0,
    add: (name: string, problems: readonly string[]) => check(name, problems),
  };
  const check = (name: string, problems: readonly string[]) => {
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
    for (const problem of problems.slice(0, 10)) console.log(`         ${problem}`);
    if (problems.length > 10) console.log(`         … and ${problems.length - 10} more`);
    if (problems.length > 0) tally.failed++;
    else tally.passed++;
  };
  for (const [invariant, promise] of Object.entries(promises))
    check(
      `${invariant}: ${promise}`,
      found.filter((violation) => violation.invariant === invariant).map(({ detail }) => detail),
    );
  check(
    'every answer is one that the API promises',
    [...recorder.unexpected].map(([what, count]) => `${count} times: ${what}`),
  );
  const slow = starts.filter((ms) => ms > maxStartMs);
  check(
    `every start answers within ${maxStartMs / 1000} s`,
    slow.map((ms) => `${Math.round(ms)} ms`),
  );
  const needed = [
    'acknowledged appends (JSON)',
    'acknowledged appends (as=values)',
    'acknowledged appends (as=value)',
    'acknowledged appends (batches)',
    'acknowledged appends (expected offset)',
    'acknowledged appends (several partitions)',
    'pages with records (JSON)',
    'pages with records (batches)',
    'pages with records (cursor)',
    ...(kills > 10 ? ['unknown records'] : []),
    ...(kills >= 100 ? ['acknowledged appends (several MB)'] : []),
  ];
  check(
    'the load was real',
    needed.filter((name) => (recorder.counts.get(name) ?? 0) === 0).map((name) => `no ${name}`),
  );
  return tally;
}

/** What the server knows of producers that its heads no longer list, by what it left. */
async function countSpilled(home: Home, { topic: { id, partitions }, recorder: { counts } }: World): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const { items } = await home.broker.ledger.scan({ pk: spilledProducersKey(id, partition), limit: 1_000_000, strong: true });
    const keyed = items.filter(({ sk }) => isKeyedProducer(sk)).length;
    counts.set('spilled producers', (counts.get('spilled producers') ?? 0) + items.length - keyed);
    counts.set('spilled keys', (counts.get('spilled keys') ?? 0) + keyed);
  }
}
