// npm run fuzz: coverage-guided fuzzing of what reads bytes that nobody has checked.

import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { mutate } from '../codec/mutate.ts';
import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { seededRandom } from '../support/random.ts';
import { startCoverage } from './coverage.ts';
import type { Target } from './target.ts';
import { fuzzTargets } from './targets.ts';

const help = `
npm run fuzz -- [options]

Feeds damaged input to the readers of record batches, compressed bytes, JSON bodies, cursors, journal files, stored
items, command lines and files for wadi produce. Inputs that reach new code, as V8 counts it, are kept and damaged
further. Whatever is not a refusal by name is a finding, and so is what takes longer than 2 s or memory that stays.

  --minutes N    how long, for all targets together (10)
  --seed S       seed of the damages (1)
  --target TEXT  only the targets whose name contains it
  --ci           half a minute

Ends with 'N passed, N failed'; exits 1 if anything failed. A finding is printed as base64.
`;

const options = readOptions(help, { minutes: 'number', seed: 'number', target: 'text', ci: 'flag' });
const minutes = options.minutes ?? (options.ci ? 0.5 : 10);
const targets = fuzzTargets.filter(({ name }) => name.includes(options.target ?? ''));
const maxInputBytes = 20_000;
const maxRunMs = 2_000;
const maxCorpus = 5_000;
const togetherInputs = 30;
/** What may stay in memory of a whole target, beside the corpus. */
const maxGrowthBytes = 64 * 2 ** 20;

type Result = { readonly runs: number; readonly corpus: number; readonly outcomes: Map<string, number>; readonly finding: string | undefined; readonly grewBytes: number };

const root = join(import.meta.dirname, '../../src/');
const coverage = startCoverage(root);
const gc = (globalThis as { gc?: () => void }).gc;
const progress = startProgress('fuzz', Math.round(minutes * 60));
const beganMs = performance.now();

async function fuzz(target: Target, forMs: number): Promise<Result> {
  const random = seededRandom(options.seed ?? 1).fork(target.name);
  const outcomes = new Map<string, number>();
  const corpus: Buffer[] = [];
  let runs = 0;
  let finding: string | undefined;

  async function attempt(input: Buffer): Promise<void> {
    const startMs = performance.now();
    runs++;
    try {
      const outcome = await target.run(input);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const tookMs = performance.now() - startMs;
      if (tookMs > maxRunMs) finding = `it took ${Math.round(tookMs)} ms`;
    } catch (error) {
      finding = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    if (finding !== undefined) finding += `\n         input: ${input.toString('base64').slice(0, 4_000)}`;
  }

  for (const seed of target.seeds(random)) {
    await attempt(Buffer.from(seed));
    corpus.push(seed);
  }
  coverage.remember(coverage.reachedNew());
  gc?.();
  const before = process.memoryUsage();
  const untilMs = performance.now() + forMs;
  const input = (): Buffer => {
    // What was found last is where new code is near.
    const from = random.chance(0.5) ? corpus[Math.max(0, corpus.length - 1 - Math.floor(random.next() ** 2 * 40))] : random.pick(corpus);
    let made = mutate(from as Buffer, random);
    if (random.chance(0.1)) {
      const other = random.pick(corpus);
      made = Buffer.concat([made.subarray(0, random.between(0, made.length)), other.subarray(random.between(0, other.length))]);
    }
    made = made.subarray(0, maxInputBytes);
    if (random.chance(0.7)) target.repair?.(made);
    return made;
  };
  while (finding === undefined && performance.now() < untilMs) {
    // To ask V8 takes longer than to run an input, so it is asked of many; where there is news, of each again.
    const together = Array.from({ length: togetherInputs }, input);
    for (const one of together) if (finding === undefined) await attempt(Buffer.from(one));
    // A server comes back to its event loop, too: node:zlib lets go of a stream that failed only there.
    await nextTurn();
    if (finding === undefined && coverage.reachedNew().size > 0) {
      for (const one of together) {
        await attempt(Buffer.from(one));
        const news = coverage.reachedNew();
        coverage.remember(news);
        if (news.size > 0 && corpus.length < maxCorpus) corpus.push(one);
      }
    }
    progress.update(Math.round((performance.now() - beganMs) / 1000), `${target.name}: ${runs.toLocaleString('en')} inputs, ${corpus.length} kept`);
  }
  gc?.();
  const after = process.memoryUsage();
  const grewBytes = after.heapUsed + after.external - before.heapUsed - before.external;
  if (finding === undefined && gc !== undefined && grewBytes > maxGrowthBytes) finding = `${Math.round(grewBytes / 2 ** 20)} MiB stay in memory`;
  return { runs, corpus: corpus.length, outcomes, finding, grewBytes };
}

let failed = 0;
let inputs = 0;
for (const target of targets) {
  const { runs, corpus, outcomes, finding, grewBytes } = await fuzz(target, (minutes * 60_000) / targets.length);
  inputs += runs;
  const told = [...outcomes]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 8)
    .map(([outcome, count]) => `${outcome} ${count.toLocaleString('en')}`);
  console.log(`${finding === undefined ? 'ok    ' : 'FAILED'} ${target.name}: ${runs.toLocaleString('en')} inputs, ${corpus} kept, ${(grewBytes / 2 ** 20).toFixed(1)} MiB (${told.join(', ')})`);
  if (finding !== undefined) {
    failed++;
    console.log(`         ${finding}`);
  }
}
progress.end();
console.log(`${inputs.toLocaleString('en')} inputs; ${coverage.blocks().toLocaleString('en')} blocks of code reached`);
if (targets.length === 0) failed++;
console.log(`${targets.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
