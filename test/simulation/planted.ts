// npm run simulate:planted: proves that the simulator finds what it is for. Each patch in planted/ breaks a promise
// of the engine on purpose; in a copy of the tree with that one fault the simulator must find a violation.

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions } from '../support/options.ts';

const help = `
npm run simulate:planted -- [options]

For each fault in test/simulation/planted: copies the tree, applies the patch, and runs the simulator there until it
finds a violation. A fault that is not found is a failure; so is a patch that no longer applies.

  --seeds N      how many seeds to try for each fault (600)
  --fault TEXT   only the faults whose name contains it
  --ci           only the first five, with 100 seeds

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { seeds: 'number', fault: 'text', ci: 'flag' });
const seeds = options.seeds ?? (options.ci ? 100 : 600);
const root = join(import.meta.dirname, '../..');
const folder = join(import.meta.dirname, 'planted');
const patches = readdirSync(folder)
  .filter((name) => name.endsWith('.patch') && name.includes(options.fault ?? ''))
  .sort()
  .slice(0, options.ci ? 5 : undefined);

/** A fault may make the engine go round in circles, which no violation tells. */
const maxRunMs = 600_000;

type Outcome = { readonly found: boolean; readonly text: string };

async function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: maxRunMs });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, output };
}

async function plant(patch: string): Promise<Outcome> {
  const tree = mkdtempSync(join(tmpdir(), 'wadi-planted-'));
  try {
    for (const name of ['src', 'test', 'package.json']) cpSync(join(root, name), join(tree, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    const applied = await run('git', ['apply', '--whitespace=nowarn', join(folder, patch)], tree);
    if (applied.code !== 0) return { found: false, text: `the patch no longer applies: ${applied.output.trim()}` };
    const { code, output } = await run(process.execPath, ['test/simulation/main.ts', '--seeds', String(seeds), '--twice', '0', '--first'], tree);
    const [, seed, told = ''] = /^FAILED seed (\d+).*\n([\s\S]*)/m.exec(output) ?? [];
    // What the simulator calls an error of its own is no proof of anything.
    const proof = [...told.matchAll(/^ {9}(\S.*)$/gm)].map(([, text = '']) => text).find((text) => !text.startsWith('simulator:'));
    if (code === 1 && seed !== undefined && proof !== undefined) return { found: true, text: `seed ${seed}: ${proof.slice(0, 200)}` };
    if (code === 0) return { found: false, text: `not found in ${seeds} seeds` };
    return { found: false, text: `the simulator failed by itself: ${output.trim().slice(-800)}` };
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

let failed = 0;
for (const patch of patches) {
  const promise = readFileSync(join(folder, patch), 'utf8').split('\n')[0]?.replace(/^#\s*/, '') ?? '';
  const { found, text } = await plant(patch);
  if (!found) failed++;
  console.log(`${found ? 'found ' : 'FAILED'} ${patch.replace('.patch', '')}: ${promise}\n         ${text}`);
}
if (patches.length === 0) failed++;
console.log(`${patches.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
