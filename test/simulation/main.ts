// npm run simulate: the real engine, several brokers of it, under one seed after another, each with a network that
// loses, repeats and delays, with crashes and wrong clocks; every history is judged.

import { readOptions, wrongOption } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { type Fault, faults } from './network.ts';
import { type Run, runSeed } from './run-seed.ts';
import type { Counter } from './world.ts';

const help = `
npm run simulate -- [options]

Runs the real engine on simulated ports. Everything that happens in a run follows from its seed: what clients ask,
when messages arrive, which answers are lost, which writes arrive twice or minutes late, when brokers crash, how wrong
their clocks are. The history of what clients saw is judged by the promises I1 to I4, I6 and I7, and the stores by
what docs/PROTOCOL.md says of them. The same seed gives the same trace.

  --seeds N      how many seeds (500, about 2 minutes)
  --seed S       the first of them (1); without --seeds only this one
  --twice N      how many of them to run a second time: the traces must be identical (20)
  --first        stop at the first violation
  --trace        print every call, answer, fault and request; for one seed
  --ci           a short run: 150 seeds, 20 of them twice

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { seeds: 'number', seed: 'number', twice: 'number', first: 'flag', trace: 'flag', ci: 'flag' });
if (options.ci && options.seeds !== undefined) wrongOption('--ci sets the number of seeds itself: give --ci or --seeds');
const first = options.seed ?? 1;
const seeds = options.ci ? 150 : (options.seeds ?? (options.seed === undefined ? 500 : 1));
if (options.trace && seeds > 1) wrongOption('--trace is for one seed: give --seed S');
const twice = Math.min(seeds, options.twice ?? 20);

const runs: Run[] = [];
const failed: Run[] = [];
const unlike: string[] = [];
const progress = startProgress('seeds', seeds);
for (let seed = first; seed < first + seeds; seed++) {
  const run = await runSeed(seed, options.trace ? { print: (line) => process.stdout.write(`${line}\n`) } : {});
  runs.push(run);
  if (run.findings.length > 0) failed.push(run);
  if (seed < first + twice) {
    const again = await runSeed(seed);
    if (again.hash !== run.hash || again.steps !== run.steps) unlike.push(`seed ${seed}: ${run.hash} after ${run.steps} steps, then ${again.hash} after ${again.steps}`);
  }
  progress.update(
    seed - first + 1,
    failed.length > 0 ? `${failed.length} with violations, the first is seed ${failed[0]?.seed}` : `${sum((one) => one.counts.acknowledged).toLocaleString('en')} appends acknowledged`,
  );
  if (options.first && failed.length > 0) break;
}
progress.end();
report();

function sum(of: (run: Run) => number): number {
  return runs.reduce((total, run) => total + of(run), 0);
}

function report(): void {
  const say = (count: number, what: string) => console.log(`${Math.round(count).toLocaleString('en').padStart(14)}  ${what}`);
  const counter = (name: Counter) => sum((run) => run.counters.get(name) ?? 0);
  say(runs.length, `seeds, ${first} to ${first + runs.length - 1}`);
  say(
    sum((run) => run.steps),
    'steps',
  );
  say(sum((run) => run.virtualMs) / 60_000, 'minutes of virtual time');
  say(
    sum((run) => run.counts.acknowledged),
    'appends acknowledged',
  );
  say(
    sum((run) => run.counts.refused),
    'appends refused',
  );
  say(
    sum((run) => run.counts.unknown),
    'appends unknown',
  );
  say(
    sum((run) => run.counts.settled),
    'expected offsets settled by sending again',
  );
  say(
    sum((run) => run.counts.reads),
    'reads',
  );
  say(
    sum((run) => run.counts.recordsRead),
    'records read',
  );
  say(
    sum((run) => run.cluster.crashes),
    'crashes',
  );
  say(
    sum((run) => run.cluster.stops),
    'stops in order',
  );
  for (const fault of faults)
    say(
      sum((run) => (run.faults as Record<Fault, number>)[fault]),
      `calls: ${fault}`,
    );
  for (const name of ['commits', 'rotations', 'resends', 'splits', 'windowPassed', 'reuploads'] as const) say(counter(name), name);
  say(
    sum((run) => run.counts.strayRuns),
    'runs that a late seal left of a deleted topic',
  );
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
  const idle = seeds >= 100 && !options.first ? (['rotations', 'resends', 'splits', 'windowPassed', 'reuploads'] as const).filter((name) => counter(name) === 0) : [];
  for (const line of unlike) console.log(`FAILED the same seed gave two traces: ${line}`);
  if (idle.length > 0) console.log(`FAILED never happened: ${idle.join(', ')}`);
  if (unlike.length === 0 && twice > 0) console.log(`ok     ${Math.min(twice, runs.length)} seeds ran twice, with identical traces`);
  const problems = failed.length + unlike.length + idle.length;
  console.log(`${runs.length - failed.length} passed, ${problems} failed`);
  process.exitCode = problems > 0 ? 1 : 0;
}
