// `npm run test:conformance`: every ledger and object store against a model, under one seed, and deliberately wrong
// ledgers that must be found out.
//   --seed N       repeat a run
//   --writes N     random writes for each ledger, 10,000 or more for a run that counts
//   --dynamodb     the ledger on DynamoDB only: 10,000 writes on dynoxide, 2,000 on DynamoDB Local (Java 17)
//   --s3           the object store on S3 only, on versitygw
//   --ci           the short form, below a minute

import { parseArgs } from 'node:util';
import { count, type Kinds, orderedKinds, requiredKinds } from './kinds.ts';
import { runLedger } from './ledger-run.ts';
import { requiredObjectKinds, runObjects } from './object-run.ts';
import { plantedLedgers } from './planted.ts';
import { seeded } from './random.ts';
import { type CloudSubject, dynamoSubjects, type LedgerSubject, ledgerSubjects, objectSubjects, s3Subjects } from './subjects.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, writes: { type: 'string' }, ci: { type: 'boolean', default: false }, dynamodb: { type: 'boolean', default: false }, s3: { type: 'boolean', default: false } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const writes = Number(values.writes ?? (values.ci ? 10_000 : 40_000));
const operations = Math.ceil(writes / 10);
const embedded = !values.dynamodb && !values.s3;
let passed = 0;
let failed = 0;

function check(what: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${what}`);
  for (const problem of problems) console.log(`      ${problem}`);
}

function unreached(kinds: Kinds, required: readonly string[]): string[] {
  return required.filter((kind) => !kinds.has(kind)).map((kind) => `never reached: ${kind}`);
}

console.log(`conformance, seed ${seed}, ${writes} writes for each ledger\n`);
const table: Record<string, Record<string, number | string>> = {};
const reached: Kinds = new Map();

const subjects: readonly (LedgerSubject & Partial<CloudSubject> & { readonly wanted: number })[] = values.dynamodb
  ? dynamoSubjects.map((subject) => ({ ...subject, wanted: values.writes === undefined ? subject.writes : writes }))
  : embedded
    ? ledgerSubjects.map((subject) => ({ ...subject, wanted: writes }))
    : [];
for (const { name, ordered, open, wanted, gap } of subjects) {
  const { store, close } = await open();
  const startMs = performance.now();
  const { tally, kinds, differences } = await runLedger(store, ordered, wanted, seeded(seed), gap?.is);
  if (gap !== undefined) console.log(`left out: ledger ${name}: ${gap.what}`);
  table[`ledger ${name}`] = { ...tally, kinds: kinds.size, seconds: ((performance.now() - startMs) / 1000).toFixed(1), differences: differences.length };
  check(`ledger ${name} agrees with applyWrite`, differences);
  check(`ledger ${name} met every kind of write`, unreached(kinds, ordered ? [...requiredKinds, ...orderedKinds] : requiredKinds));
  for (const [kind, times] of kinds) count(reached, kind, times);
  await close();
}

for (const { name, precisionMs, open } of values.s3 ? s3Subjects : embedded ? objectSubjects : []) {
  const { store, close } = await open();
  const startMs = performance.now();
  const run = await runObjects(store, operations, seeded(seed + 1), precisionMs);
  table[`objects ${name}`] = { operations: run.operations, kinds: run.kinds.size, seconds: ((performance.now() - startMs) / 1000).toFixed(1), differences: run.differences.length };
  check(`object store ${name} agrees with a map`, run.differences);
  check(`object store ${name} met every kind of call`, unreached(run.kinds, requiredObjectKinds));
  await close();
}

for (const [fault, make] of Object.entries(embedded ? plantedLedgers : {})) {
  const { differences, tally } = await runLedger(make(), true, writes, seeded(seed + 2));
  check(`planted: ${fault} (${differences.length > 0 ? `found after ${tally.writes} writes` : `not found in ${tally.writes} writes`})`, differences.length > 0 ? [] : ['the suite did not notice']);
}

console.log('\ntimes each kind was reached, all ledgers together');
for (const kind of [...reached.keys()].sort()) console.log(`  ${String(reached.get(kind)).padStart(7)}  ${kind}`);
console.table(table);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
