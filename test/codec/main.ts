// The codec test: record batches against two independent clients of Kafka, damaged batches against the promise that
// nothing crashes, hangs or takes memory, and the JSON scanner against JSON.parse.

import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { seededRandom } from '../support/random.ts';
import { runAgreement } from './agreement.ts';
import { runJson } from './json-agreement.ts';
import { runMutations } from './mutation-run.ts';

const help = `
npm run test:codec -- [options]

a  Batches written by kafkajs and @platformatic/kafka in all five compressions are read equal here; ours (none,
   gzip, zstd) are read equal by both.
b  Damaged batches, bombs and lies, in a child process under a watchdog: always a named error or a valid batch,
   at most 5 s for one, at most 64 MiB of heap and external memory above the baseline.
c  The JSON scanner takes what JSON.parse takes and finds the same values. Deliberate differences (depth, a name
   twice in a record or a body) are counted.

  --seed N     seed of all random choices (1)
  --inputs N   inputs of b and of c (200000)
  --ci         the short form, below a minute: 10000 inputs

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { seed: 'number', inputs: 'number', ci: 'flag' });
const seed = options.seed ?? 1;
const inputs = options.inputs ?? (options.ci ? 10_000 : 200_000);
const rounds = options.ci ? 10 : 100;
let passed = 0;
let failed = 0;

function check(what: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${what}`);
  for (const problem of problems) console.log(`      ${problem}`);
}

const counted = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ');
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

console.log(`codec, seed ${seed}, ${inputs} inputs\n`);

const agreeing = startProgress('a: peers', rounds * 10);
const agreements = await runAgreement(seededRandom(seed), rounds, (done) => agreeing.update(done));
agreeing.end();
for (const { name, batches, records, problems } of agreements) check(`${name}: ${batches} batches, ${records} records`, problems);

const mutating = startProgress('b: damaged batches', inputs);
const { report, problems } = await runMutations(seed, inputs, (done, note) => mutating.update(done, note));
mutating.end();
check(`${report.done} damaged batches: ${counted(report.outcomes)}; slowest ${Math.round(report.slowestMs)} ms; at most ${mib(report.peakBytes)} above the baseline`, problems);

const parsing = startProgress('c: JSON bodies', inputs);
const json = runJson(seededRandom(seed + 1), inputs, (done) => parsing.update(done));
parsing.end();
check(`${inputs} JSON bodies: ${counted(json.counts)}`, json.problems);
// A run in which nothing was taken, or nothing refused, has compared nothing.
check('all kinds of batches and bodies were met', [
  ...['valid', 'invalid_batch', 'corrupt_batch', 'unsupported_batch', 'invalid_compression', 'decompressed_too_large']
    .filter((code) => !(code in report.outcomes))
    .map((code) => `b never met: ${code}`),
  ...['taken', 'refused', 'refused: not of the form', 'excluded: too deep', 'excluded: a name twice'].filter((kind) => !(kind in json.counts)).map((kind) => `c never met: ${kind}`),
]);

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
