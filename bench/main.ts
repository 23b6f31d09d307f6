// The benchmark: our server against one that does nothing but make bytes durable (or send them), in pairs that take
// turns on the same machine, so that what else runs there hits both. The ratio is the figure; rates only illustrate.

import { readOptions, wrongOption } from '../test/support/options.ts';
import { startProgress } from '../test/support/progress.ts';
import { type CaseName, caseNames, cases } from './cases.ts';
import { benchCloud } from './cloud.ts';
import { benchFunctions } from './functions.ts';
import { profile } from './profile.ts';
import { type Contender, connections, type Measurement, measure, measureTogether, type Preload, preloadTopic, type Setup } from './run.ts';

const help = `
npm run bench -- [options]

Measures our server against a null server (bench/null-server.ts: the same HTTP library, one fdatasync for all that
arrives during the last one) over ${connections} keep-alive connections with one request in flight each, and the null server
against the same on bare node:http; and idempotent appends against plain ones. The two servers of a pair stand side by
side, each on a fresh data folder, and are loaded in turns of half a second (fetch: one after the other, on a folder
filled before). A ratio is that of one pair; printed are the median and the quartiles of all pairs. About 35 minutes.

  --pairs N       pairs for each case (9)
  --seconds N     time measured for each contender (5; with --cloud 15), after a warm-up of the same length
  --case NAME     one case only: ${caseNames.join(', ')}
  --partitions N  partitions of the topic (1; and 6 in a few more pairs without a target)
  --preload N     MiB in the topic that is fetched from (32; and 128, more than the server keeps in
                  memory, in a few more pairs without a target)
  --idempotent    only idempotent appends against plain ones
  --ci            1 pair of 1 s, no targets: only that it runs
  --profile       no pairs: run our server under a profiler (case: batches, or --case; --idempotent) and print where its time goes
  --cloud         no pairs: servers on emulators of DynamoDB and S3 whose calls take as long as those of AWS
                  (log-normal; DynamoDB 8 ms, 16 at the 99th percentile; an upload to S3 60 and 250, as a sender
                  that does nothing else sees them): with one request in flight p50 may be 20 ms in the ledger
                  and 85 ms through S3; and what 64 connections reach at one server, and at two. Needs versitygw
                  (.ci/install-versitygw)
  --functions     no servers: the size of the functions' bundles (1 MB each), the time to import produce and fetch
                  against a bare handler with the SDK's two clients (1.5), and the CPU of 1 MiB of record batches
                  through the handler of produce against the same through the server (1.3). Needs versitygw
  --before DIR    no null server: ours with tokens, and with metrics that are read every second, against the
                  server of another checkout, installed, without either; the target is 0.95
  --server FILE   another server program in place of src/server/main.ts

Exits 1 when a target is missed.
`;

const options = readOptions(help, {
  pairs: 'number',
  seconds: 'number',
  case: 'text',
  partitions: 'number',
  preload: 'number',
  ci: 'flag',
  profile: 'flag',
  server: 'text',
  before: 'text',
  idempotent: 'flag',
  cloud: 'flag',
  functions: 'flag',
});
const only = caseNames.find((name) => name === options.case);
if (options.case !== undefined && only === undefined) wrongOption(`--case takes one of ${caseNames.join(', ')}, not '${options.case}'`);
for (const name of ['pairs', 'seconds', 'partitions', 'preload'] as const) if (options[name] === 0) wrongOption(`--${name} must be 1 or more`);
const pairs = options.pairs ?? (options.ci ? 1 : 9);
/** One request at a time is 50 in a second: their median wants more of them. */
const seconds = options.seconds ?? (options.ci ? 1 : options.cloud ? 15 : 5);
const fewPairs = Math.min(pairs, 3);
/** Of the topic that is fetched from: what readers near its end see, and more than the server keeps in memory. */
const [warmMib, coldMib] = [32, 128];
const targetAgainstBefore = 0.95;
const targetOfIdempotent = 0.9;

const setupOf = async (name: CaseName, partitions: number, mib = options.preload ?? warmMib): Promise<Setup> => {
  const preload: Preload | undefined = name === 'fetch' ? await preloadTopic(options.server, mib) : undefined;
  return { name, partitions, seconds, entry: options.server, preload, before: options.before };
};

if (options.cloud) {
  process.exitCode = (await benchCloud(seconds, options.ci)) ? 0 : 1;
} else if (options.functions) {
  process.exitCode = (await benchFunctions(options.pairs ?? (options.ci ? 1 : 21), options.ci)) ? 0 : 1;
} else if (options.profile) {
  await profile(await setupOf(only ?? 'batches', options.partitions ?? 1), options.idempotent ? 'idempotent' : 'plain');
} else {
  process.exitCode = (await runAll()) ? 0 : 1;
}

async function runAll(): Promise<boolean> {
  let reached = true;
  for (const name of only === undefined ? caseNames : [only]) {
    if (options.idempotent && name === 'fetch') continue;
    const setup = await setupOf(name, name === 'fetch' ? 1 : (options.partitions ?? 1));
    const { title, target } = cases[name];
    const of =
      setup.preload === undefined
        ? `${setup.partitions} partition${setup.partitions === 1 ? '' : 's'}`
        : `${setup.preload.pageBytes} bytes a page, ${Math.round((setup.preload.offsets.length * setup.preload.pageBytes) / 2 ** 20)} MiB`;
    console.log(`\n${title} (${of}; ${pairs} pair${pairs === 1 ? '' : 's'} of ${seconds} s)`);
    if (options.before !== undefined) {
      const guarded = await compare('guarded', 'before', setup, pairs);
      console.log(`  target ${targetAgainstBefore.toFixed(2)}: ${guarded >= targetAgainstBefore ? 'reached' : 'MISSED'}`);
      reached &&= guarded >= targetAgainstBefore;
      continue;
    }
    const median = options.idempotent ? target : await compare('ours', 'null', setup, pairs);
    if (!options.ci && !options.idempotent) {
      console.log(`  target ${target.toFixed(2)}: ${median >= target ? 'reached' : 'MISSED'}`);
      reached &&= median >= target;
    }
    if (options.partitions === undefined && name !== 'fetch' && !options.ci && !options.idempotent) {
      console.log(`  the same with 6 partitions, ${fewPairs} pairs, no target`);
      await compare('ours', 'null', { ...setup, partitions: 6 }, fewPairs);
    }
    if (options.preload === undefined && name === 'fetch' && !options.ci) {
      console.log(`  the same from a topic of ${coldMib} MiB, more than the server keeps in memory, ${fewPairs} pairs, no target`);
      await compare('ours', 'null', await setupOf(name, 1, coldMib), fewPairs);
    }
    if (name !== 'fetch') {
      console.log('  the same by idempotent producers, one for each connection, against plain appends');
      const idempotent = await compare('idempotent', 'plain', setup, pairs);
      if (!options.ci) {
        console.log(`  target ${targetOfIdempotent.toFixed(2)}: ${idempotent >= targetOfIdempotent ? 'reached' : 'MISSED'}`);
        reached &&= idempotent >= targetOfIdempotent;
      }
      if (options.idempotent) continue;
    }
    console.log(`  what the HTTP library costs: null server on it against bare node:http, ${fewPairs} pair${fewPairs === 1 ? '' : 's'}`);
    const library = await compare('null', 'bare', setup, fewPairs);
    if (library < 0.8 && name !== 'fetch' && !options.ci) console.log('  below 0.8: bodies must be read from the Node request itself, here and in the server');
  }
  if (!options.ci) console.log(reached ? '\nall targets reached' : '\na target was missed');
  return reached || options.ci;
}

/** Runs the pairs, prints their figures, answers the median of the ratios. */
async function compare(a: Contender, b: Contender, setup: Setup, count: number): Promise<number> {
  const progress = startProgress(`  ${a} against ${b}`, count);
  const measured: Record<'a' | 'b', Measurement[]> = { a: [], b: [] };
  for (let pair = 0; pair < count; pair++) {
    const [ofA, ofB] = await measurePair(a, b, setup, pair % 2 === 0);
    measured.a.push(ofA);
    measured.b.push(ofB);
    progress.update(pair + 1, `ratio ${ratioOf(pair).toFixed(2)}`);
  }
  progress.end();
  function ratioOf(pair: number): number {
    return (measured.a[pair]?.perSecond ?? 0) / (measured.b[pair]?.perSecond ?? 1);
  }
  for (const [name, runs] of [
    [a, measured.a],
    [b, measured.b],
  ] as const)
    console.log(`  ${name.padEnd(7)} ${describe(runs)}`);
  const ratios = measured.a.map((_, pair) => ratioOf(pair));
  console.log(`  ratio ${quantile(ratios, 0.5).toFixed(3)}  (quartiles ${quantile(ratios, 0.25).toFixed(3)} to ${quantile(ratios, 0.75).toFixed(3)})`);
  return quantile(ratios, 0.5);
}

/** Who begins changes from pair to pair. */
async function measurePair(a: Contender, b: Contender, setup: Setup, aFirst: boolean): Promise<[Measurement, Measurement]> {
  const order = aFirst ? [a, b] : [b, a];
  const [first, second] = (setup.preload === undefined ? await measureTogether(order, setup) : await oneAfterAnother(order, setup)) as [Measurement, Measurement];
  return aFirst ? [first, second] : [second, first];
}

/** Of a folder that was filled before only one server can be the owner. */
async function oneAfterAnother(contenders: readonly Contender[], setup: Setup): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const contender of contenders) measurements.push(await measure(contender, setup));
  return measurements;
}

function describe(runs: readonly Measurement[]): string {
  const median = (value: (run: Measurement) => number) => quantile(runs.map(value), 0.5);
  const parts = [
    `${Math.round(median((run) => run.perSecond))
      .toLocaleString('en')
      .padStart(7)} requests/s`,
    `p50 ${median((run) => run.p50Ms).toFixed(2)} ms`,
    `p99 ${median((run) => run.p99Ms).toFixed(2)} ms`,
  ];
  if (runs.every(({ totals }) => totals !== undefined && totals.commits > 0)) {
    parts.push(`${median(({ totals }) => (totals?.appends ?? 0) / (totals?.commits ?? 1)).toFixed(1)} appends/commit`);
    parts.push(`${median(({ totals }) => (totals?.syncs ?? 0) / (totals?.commits ?? 1)).toFixed(2)} syncs/commit`);
  }
  return [...parts, `CPU pressure ${Math.round(100 * median((run) => run.cpuPressure))} %`].join('  ');
}

/** Between two values: linear. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? 0;
  return low + ((sorted[Math.ceil(at)] ?? low) - low) * (at % 1);
}
