// npm run simulate: the real engine, several brokers of it, under one seed after another, each with a network that
// loses, repeats and delays, with crashes and wrong clocks; every history is judged.

import { readFileSync } from 'node:fs';
import { readOptions, wrongOption } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { faultTable, floorOf } from './fault-table.ts';
import { runOrders } from './pool.ts';
import { fromRanges } from './ranges.ts';
import { type Run, runSeed } from './run-seed.ts';
import { maxRuns, type Scenario, shrink, tellStory } from './shrink.ts';
import { addCounts, type Counts } from './tally.ts';
import type { Report } from './worker.ts';
import type { Counter } from './world.ts';

const help = `
npm run simulate -- [options]

Runs the real engine on simulated ports. Everything that happens in a run follows from its seed: what clients ask,
when messages arrive, which answers are lost, which writes arrive twice or minutes late, when brokers crash, how wrong
their clocks are, and which of all this can happen at all. The history of what clients saw is judged by the promises
I1 to I7 and for linearizability, and the stores by what docs/PROTOCOL.md says of them. The same seed gives
the same trace.

Prints how often each fault of docs/FAULTS.md was injected, and how often it changed what a caller was told, also of
commits, uploads and seals. From 100 seeds on a row that is not seen often enough is a failure.

  --seeds N      how many seeds (500, about a minute)
  --seed S       the first of them (1); without --seeds only this one
  --twice N      how many of them to run a second time: the traces must be identical (50)
  --first        stop at the first violation
  --shrink       cut the failing run of a seed to a short one; prints it as a story and as a scenario for scenarios/
  --scenario FILE  run a scenario and tell its story
  --trace        print every call, answer, fault and request; for one seed
  --ci           a short run: 200 seeds, 50 of them twice

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { seeds: 'number', seed: 'number', twice: 'number', first: 'flag', trace: 'flag', shrink: 'flag', scenario: 'text', ci: 'flag' });
if (options.ci && options.seeds !== undefined) wrongOption('--ci sets the number of seeds itself: give --ci or --seeds');
const first = options.seed ?? 1;
const seeds = options.ci ? 200 : (options.seeds ?? (options.seed === undefined ? 500 : 1));
if (options.trace && seeds > 1) wrongOption('--trace is for one seed: give --seed S');
const twice = Math.min(seeds, options.twice ?? 50);

if (options.shrink) {
  if (seeds > 1) wrongOption('--shrink is for one seed: give --seed S');
  await shorten(first);
  process.exit();
}

if (options.scenario !== undefined) {
  const scenario = JSON.parse(readFileSync(options.scenario, 'utf8')) as Scenario;
  for (const line of await tellStory(scenario)) console.log(line);
  const { findings } = await runSeed(scenario.seed, { cuts: scenario.cuts });
  console.log(findings.length === 0 ? '1 passed, 0 failed' : `FAILED ${findings[0]?.rule}\n0 passed, 1 failed`);
  process.exit(findings.length === 0 ? 0 : 1);
}

const runs: Run[] = [];
const failed: Run[] = [];
const unlike: string[] = [];
const progress = startProgress('seeds', seeds);

function take({ run, again }: Report): boolean {
  runs.push(run);
  if (run.findings.length > 0) failed.push(run);
  if (again !== undefined && (again.hash !== run.hash || again.steps !== run.steps)) {
    unlike.push(`seed ${run.seed}: ${run.hash} after ${run.steps} steps, then ${again.hash} after ${again.steps}`);
  }
  progress.update(
    runs.length,
    failed.length > 0 ? `${failed.length} with violations, one is seed ${failed[0]?.seed}` : `${sum((one) => one.counts.acknowledged).toLocaleString('en')} appends acknowledged`,
  );
  return !(options.first && failed.length > 0);
}

if (seeds === 1) {
  const run = await runSeed(first, options.trace ? { print: (line) => process.stdout.write(`${line}\n`) } : {});
  take(twice > 0 && !options.trace ? { run, again: await runSeed(first) } : { run });
} else {
  await runOrders(
    Array.from({ length: seeds }, (_, i) => ({ seed: first + i, twice: i < twice })),
    take,
  );
}
progress.end();
runs.sort((a, b) => a.seed - b.seed);
failed.sort((a, b) => a.seed - b.seed);
report();

async function shorten(seed: number): Promise<void> {
  const trying = startProgress('runs', maxRuns);
  const scenario = await shrink(seed, (count, cuts) =>
    trying.update(count, `${cuts.actors?.length ?? 0} actors, ${fromRanges(cuts.requests).size} requests, ${fromRanges(cuts.faults).size} faults left out`),
  );
  trying.end();
  if (scenario === undefined) return console.log(`seed ${seed} breaks nothing`);
  for (const line of await tellStory(scenario)) console.log(line);
  console.log(`\n${JSON.stringify(scenario)}`);
  process.exitCode = 1;
}

function sum(of: (run: Run) => number): number {
  return runs.reduce((total, run) => total + of(run), 0);
}

function report(): void {
  const counter = (name: Counter) => sum((run) => run.counters[name] ?? 0);
  const figures: readonly (readonly [number, string])[] = [
    [runs.length, `seeds, ${first} to ${first + seeds - 1}`],
    [sum((run) => run.steps), 'steps'],
    [sum((run) => run.virtualMs) / 3_600_000, 'hours of virtual time'],
    [sum((run) => run.counts.acknowledged), 'appends acknowledged'],
    [sum((run) => run.counts.refused), 'appends refused'],
    [sum((run) => run.counts.unknown), 'appends unknown'],
    [sum((run) => run.counts.settled), 'expected offsets settled by sending again'],
    [sum((run) => run.counts.sentAgain), 'requests of producers and keys sent again after their answer'],
    [sum((run) => run.counts.reads), 'reads'],
    [sum((run) => run.counts.recordsRead), 'records read'],
    [sum((run) => run.cluster.crashes), 'crashes'],
    ...(['commits', 'rotations', 'resends', 'splits', 'repeats', 'windowPassed', 'reuploads'] as const).map((name) => [counter(name), name] as const),
    [sum((run) => run.counts.strayRuns), 'runs that a late seal left of a deleted topic'],
    [sum((run) => run.counts.undecided), 'partitions for which no order was found in time'],
  ];
  for (const [count, what] of figures) console.log(`${Math.round(count).toLocaleString('en').padStart(14)}  ${what}`);
  const counts: Counts = {};
  for (const run of runs) addCounts(counts, run.faults);
  const judgedSeeds = options.first ? 0 : runs.length;
  const { lines, missing } = faultTable(counts, judgedSeeds);
  console.log(`\n${lines.join('\n')}\n`);
  for (const run of failed.slice(0, 10)) {
    console.log(`FAILED seed ${run.seed}; again with: npm run simulate -- --seed ${run.seed} --trace`);
    for (const { rule, detail } of run.findings.slice(0, 5)) console.log(`         ${rule}: ${detail.slice(0, 500)}`);
    if (run.findings.length > 5) console.log(`         … and ${run.findings.length - 5} more`);
  }
  if (failed.length > 10)
    console.log(
      `… and ${failed.length - 10} more seeds: ${failed
        .slice(10, 60)
        .map(({ seed }) => seed)
        .join(', ')}`,
    );
  for (const line of unlike) console.log(`FAILED the same seed gave two traces: ${line}`);
  const rare = [...missing];
  const fewest = floorOf(200, judgedSeeds);
  for (const name of ['windowPassed', 'rotations', 'resends', 'splits', 'repeats', 'reuploads'] as const) if (counter(name) < fewest) rare.push(`${name}: ${counter(name)} times, ${fewest} at least`);
  for (const line of rare) console.log(`FAILED too rare: ${line}`);
  if (unlike.length === 0 && twice > 0 && !options.trace) console.log(`ok     ${Math.min(twice, runs.length)} seeds ran twice, with identical traces`);
  const problems = failed.length + unlike.length + rare.length;
  console.log(`${runs.length - failed.length} passed, ${problems} failed`);
  process.exitCode = problems > 0 ? 1 : 0;
}
