// npm run soak: a real server under the mixed load of the crash test for a long time, stopped and killed now and then.
// Within each of its lives its memory and its open descriptors are sampled; they must not go on growing.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { checkHistory } from '../support/check-history.ts';
import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { seededRandom } from '../support/random.ts';
import { temporaryFolder } from '../support/server-process.ts';
import { checkTopics, churnTopics, createTopic, type Expectations } from './churn.ts';
import { leaveEvidence } from './evidence.ts';
import { createSend } from './http.ts';
import { runProducers } from './producers.ts';
import { readEverything, runReaders } from './readers.ts';
import { createRecorder } from './recorder.ts';
import { createTarget } from './target.ts';
import type { World } from './world.ts';

const help = `
npm run soak -- [options]

Producers, readers and topics that come and go, against a real server for some minutes. It is stopped in order or
killed after each of its lives. Prints how memory and open descriptors changed within each life, once it was warm;
in the end the whole history is judged. After a violation the data folder is kept, with the history. Linux only.

  --minutes N    how long (10)
  --lives N      lives of the server (5)
  --seed N       (1)
  --ci           half a minute, 2 lives

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { minutes: 'number', lives: 'number', seed: 'number', ci: 'flag' });
const minutes = options.minutes ?? (options.ci ? 0.5 : 10);
const lives = options.lives ?? (options.ci ? 2 : 5);
const random = seededRandom(options.seed ?? 1);
const lifeMs = (minutes * 60_000) / lives;
const sampleMs = 1_000;
/** Of each life: caches fill and code is compiled. */
const warmUpShare = 0.4;
/** Caches of payloads (64 MiB) may still fill after that; more than them is a leak. In a short life that cannot be told. */
const maxGrowthMiB = 64;
const maxGrowthDescriptors = 20;

type Sample = { readonly atMs: number; readonly rssMiB: number; readonly descriptors: number };
type Life = { readonly end: 'stop' | 'kill'; readonly samples: readonly Sample[] };

const dataDir = temporaryFolder('soak', true);
const recorder = createRecorder();
const target = createTarget(dataDir, undefined, 15_000);
let stopped = false;
const expectations: Expectations = new Map();
const base = { target, recorder, random, stopped: () => stopped, send: createSend(target.url, 30_000) };
await target.start();
const topic = await createTopic(base, 'soak', 4, expectations);
if (topic === undefined) throw new Error('the topic could not be created');
const world: World = { ...base, topic };
const load = Promise.all([runProducers(world), runReaders(world), churnTopics(world, expectations)]);
const progress = startProgress('soak', Math.round(minutes * 60));
const beganMs = performance.now();
const all: Life[] = [];

function sample(pid: number): Sample {
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { atMs: performance.now(), rssMiB: Number(rss) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function live(end: 'stop' | 'kill'): Promise<void> {
  const samples: Sample[] = [];
  const untilMs = performance.now() + lifeMs;
  while (performance.now() < untilMs) {
    await wait(sampleMs);
    samples.push(sample(target.pid()));
    progress.update(
      Math.round((performance.now() - beganMs) / 1000),
      `${(recorder.counts.get('acknowledged records') ?? 0).toLocaleString('en')} records acknowledged, ${samples.at(-1)?.rssMiB.toFixed(0)} MiB`,
    );
  }
  all.push({ end, samples });
}

async function liveAgainAndAgain(): Promise<void> {
  for (let life = 1; life <= lives; life++) {
    const end = life % 2 === 0 ? 'kill' : 'stop';
    await live(end);
    if (life === lives) break;
    await target[end]();
    await target.start();
  }
  stopped = true;
}

await Promise.race([load, liveAgainAndAgain()]);
progress.end();
await load;
const final = await readEverything(world, 'in-the-end');
await checkTopics(world, expectations);
await target.stop();

/** By least squares. */
function slopePerMinute(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const [meanX, meanY] = [mean(samples.map(({ atMs }) => atMs)), mean(samples.map(of))];
  const spread = samples.reduce((sum, { atMs }) => sum + (atMs - meanX) ** 2, 0);
  return spread === 0 ? 0 : (samples.reduce((sum, one) => sum + (one.atMs - meanX) * (of(one) - meanY), 0) / spread) * 60_000;
}

let failed = 0;
let passed = 0;
function check(what: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${what}`);
  for (const problem of problems.slice(0, 10)) console.log(`         ${problem}`);
}

for (const [name, count] of [...recorder.counts].sort()) console.log(`${count.toLocaleString('en').padStart(12)}  ${name}`);
const leaks: string[] = [];
for (const [i, { end, samples }] of all.entries()) {
  const warm = samples.slice(Math.floor(samples.length * warmUpShare));
  const warmMinutes = (warm.length * sampleMs) / 60_000;
  const memory = slopePerMinute(warm, ({ rssMiB }) => rssMiB);
  const descriptors = slopePerMinute(warm, (one) => one.descriptors);
  const peak = (of: (sample: Sample) => number) => Math.max(...samples.map(of));
  console.log(
    `life ${i + 1} (${Math.round(lifeMs / 1000)} s, then ${i + 1 === lives ? 'the end' : end}): memory ${samples[0]?.rssMiB.toFixed(0)} to ${warm.at(-1)?.rssMiB.toFixed(0)} MiB, ${peak(({ rssMiB }) => rssMiB).toFixed(0)} at most, slope ${memory.toFixed(1)} MiB/min; descriptors ${warm.at(-1)?.descriptors}, ${peak((one) => one.descriptors)} at most, slope ${descriptors.toFixed(2)}/min`,
  );
  if (memory * warmMinutes > maxGrowthMiB) leaks.push(`life ${i + 1}: memory grew by ${(memory * warmMinutes).toFixed(0)} MiB once warm, ${maxGrowthMiB} at most`);
  if (descriptors * warmMinutes > maxGrowthDescriptors) leaks.push(`life ${i + 1}: ${(descriptors * warmMinutes).toFixed(0)} descriptors were opened and not closed`);
}
check('memory and descriptors do not go on growing', leaks);
check(
  'I1 to I4, I6, I7',
  checkHistory(recorder.events, { final }).map(({ invariant, detail }) => `${invariant}: ${detail}`),
);
check(
  'every answer is one that the API promises',
  [...recorder.unexpected].map(([what, count]) => `${count} times: ${what}`),
);
console.log(`${passed} passed, ${failed} failed`);
leaveEvidence(dataDir, recorder, { failed: failed > 0 });
