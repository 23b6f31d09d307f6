// npm run model: TLC goes through the models of docs/spec, and must refute each of them with a defect planted.

import { readOptions, wrongOption } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { type Model, models } from './models.ts';
import { type Checked, check, installTlc } from './tlc.ts';

const help = `
npm run model -- [options]

Checks the model of the commit protocol (docs/spec, in TLA+) with TLC, in small bounds: every state that any order of
events can lead to. The invariants must hold in the model, and each broken variant must be refuted. TLC comes from Maven
Central once; it runs on Java.

  --only TEXT  models whose names contain TEXT
  --trace      print TLC's output where something is refuted
  --ci         a short run: without the longest models

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { only: 'text', trace: 'flag', ci: 'flag' });
const chosen = models.filter(({ name, long }) => (options.only === undefined || name.includes(options.only)) && !(options.ci && long === true));
if (chosen.length === 0) wrongOption(`--only: no model's name contains '${options.only}'`);

const workers = 2;
const jar = await installTlc();
const progress = startProgress('models', chosen.length);
const results: { readonly model: Model; readonly checked: Checked; readonly problem: string | undefined }[] = [];
for (const model of chosen) {
  const checked = await check(jar, model, workers);
  results.push({ model, checked, problem: problemOf(model, checked) });
  progress.update(results.length, model.name);
}
progress.end();

console.log(`${'states'.padStart(12)}${'distinct'.padStart(12)}${'s'.padStart(7)}`);
for (const { model, checked, problem } of results) {
  const outcome = model.refutes === undefined ? 'holds' : `refuted: ${checked.refuted}`;
  const numbers = [checked.generated.toLocaleString('en').padStart(12), checked.distinct.toLocaleString('en').padStart(12), checked.seconds.toFixed(1).padStart(7)].join('');
  console.log(`${numbers}  ${problem === undefined ? 'ok    ' : 'FAILED'} ${model.name}: ${problem ?? outcome}`);
  if (problem !== undefined || (options.trace && checked.refuted !== undefined)) console.log(checked.output);
}
const failed = results.filter(({ problem }) => problem !== undefined).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function problemOf({ refutes }: Model, { refuted, complete }: Checked): string | undefined {
  if (refutes === undefined) return complete && refuted === undefined ? undefined : refuted === undefined ? 'TLC did not come to its end' : `${refuted} does not hold`;
  if (refuted === undefined) return complete ? 'its defect was not found' : 'TLC did not come to its end';
  return refutes.includes(refuted) ? undefined : `${refuted} was refuted, not ${refutes.join(' or ')}`;
}
