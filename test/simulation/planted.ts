// npm run simulate:planted: proves that the simulator finds what it is for. Each patch in planted/ breaks a promise
// of the engine on purpose; in a copy of the tree with that one fault the simulator must find a violation.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOptions } from '../support/options.ts';
import { plantTree, run } from '../support/planted-tree.ts';
import { startProgress } from '../support/progress.ts';

const help = `
npm run simulate:planted -- [options]

For each fault in test/simulation/planted: copies the tree, applies the patch, and runs the simulator there until it
finds a violation. A fault that is not found is a failure; so is a patch that no longer applies. Prints for each fault
what it breaks, how many seeds it took, and what was found. A fault that has a scenario (test/simulation/scenarios), to
which a seed was cut, must be found by that as well.

  --seeds N      how many seeds to try for each fault (500)
  --fault TEXT   only the faults whose name contains it
  --ci           only the first five, with 200 seeds

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { seeds: 'number', fault: 'text', ci: 'flag' });
const seeds = options.seeds ?? (options.ci ? 200 : 500);
const folder = join(import.meta.dirname, 'planted');
const patches = readdirSync(folder)
  .filter((name) => name.endsWith('.patch') && name.includes(options.fault ?? ''))
  .sort()
  .slice(0, options.ci ? 5 : undefined);

/** A fault may make the engine go round in circles, which no violation tells. */
const maxRunMs = 600_000;

type Outcome = { readonly seeds: number | undefined; readonly text: string; readonly scenarioFails?: boolean };

/** What a seed that found the fault was cut to. */
const scenarioOf = (patch: string): string => join(import.meta.dirname, 'scenarios', patch.replace('.patch', '.json'));

async function plant(patch: string): Promise<Outcome> {
  const lost = (text: string): Outcome => ({ seeds: undefined, text });
  const tree = await plantTree([join(folder, patch)]).catch((error: Error) => error);
  if (tree instanceof Error) return lost(tree.message);
  try {
    const { code, output } = await run(process.execPath, ['test/simulation/main.ts', '--seeds', String(seeds), '--twice', '0', '--first'], tree.folder, maxRunMs);
    const [, seed, told = ''] = /^FAILED seed (\d+).*\n([\s\S]*)/m.exec(output) ?? [];
    // What the simulator calls an error of its own is no proof of anything.
    const proof = [...told.matchAll(/^ {9}(\S.*)$/gm)].map(([, text = '']) => text).find((text) => !text.startsWith('simulator:'));
    const scenario = scenarioOf(patch);
    const scenarioFails = existsSync(scenario) && (await run(process.execPath, ['test/simulation/main.ts', '--scenario', scenario], tree.folder, maxRunMs)).code === 1;
    if (code === 1 && seed !== undefined && proof !== undefined) return { seeds: Number(seed), text: proof, scenarioFails };
    return lost(code === 0 ? `not found in ${seeds} seeds` : `the simulator failed by itself: ${output.trim().slice(-800)}`);
  } finally {
    tree.remove();
  }
}

let failed = 0;
const progress = startProgress('planted', patches.length);
console.log(`${'fault'.padEnd(50)} seeds  breaks, and what was found`);
for (const [i, patch] of patches.entries()) {
  const name = patch.replace('.patch', '');
  progress.update(i, name);
  const promise = readFileSync(join(folder, patch), 'utf8').split('\n')[0]?.replace(/^#\s*/, '') ?? '';
  const broken = /\(([^()]*)\)\.?$/.exec(promise)?.[1] ?? '';
  const outcome = await plant(patch);
  if (existsSync(scenarioOf(patch)) && outcome.scenarioFails !== true) {
    failed++;
    console.log(`FAILED ${name}: its scenario passes, though the fault is there; make it anew with --shrink`);
  }
  if (outcome.seeds === undefined) failed++;
  console.log(`${name.padEnd(50)} ${(outcome.seeds === undefined ? 'FAILED' : String(outcome.seeds)).padStart(5)}  ${broken}: ${outcome.text.slice(0, outcome.seeds === undefined ? 900 : 150)}`);
}
progress.end();
if (patches.length === 0) failed++;
console.log(`${patches.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
