// The canaries of `npm run check`: a file that breaks one rule, and the words with which the tool must refuse it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bin } from './tools.ts';

type Canary = {
  readonly name: string;
  /** Where the file is put. */
  readonly path: string;
  readonly source: string;
  readonly tool: 'tsc' | 'biome' | 'knip';
  /** What the tool's output must say. */
  readonly says: string;
};

const layer = (folder: string, imported: string, says = 'noRestrictedImports'): Canary => ({
  name: `${folder} may not import ${imported}`,
  path: `${folder}/canary.ts`,
  source: `import * as forbidden from '${imported}';\n\nexport const canary = forbidden;\n`,
  tool: 'biome',
  says,
});

const banned = (folder: string, expression: string, says: string): Canary => ({
  name: `${folder} may not use ${expression}`,
  path: `${folder}/canary.ts`,
  source: `export const canary = () => ${expression};\n`,
  tool: 'biome',
  says,
});

export const canaries: readonly Canary[] = [
  { name: 'a type error', path: 'src/record/canary.ts', source: "export const canary: number = 'text';\n", tool: 'tsc', says: 'src/record/canary.ts' },
  { name: 'an unchecked index', path: 'src/record/canary.ts', source: 'export const canary = (list: number[]): number => list[0];\n', tool: 'tsc', says: 'src/record/canary.ts' },
  layer('src/record', 'node:zlib'),
  layer('src/record', '../log/keys.ts'),
  layer('src/record', 'hono'),
  layer('src/log', 'node:crypto'),
  layer('src/log', '../ports/ledger.ts'),
  layer('src/log', '../broker/broker.ts'),
  layer('src/ports', '../broker/broker.ts'),
  layer('src/broker', '../adapters/memory/ledger.ts'),
  layer('src/broker', '../http/app.ts'),
  layer('src/broker', 'node:fs'),
  layer('src/adapters/memory', '../local/journal-ledger.ts'),
  layer('src/adapters/memory', '../../broker/broker.ts'),
  layer('src/adapters/local', '../../http/app.ts'),
  layer('src/access', '../log/keys.ts'),
  layer('src/client', 'node:fs'),
  layer('src/client', '../record/limits.ts'),
  layer('src/cli', '../broker/broker.ts'),
  layer('src/http', '../adapters/memory/ledger.ts'),
  layer('src/http', '../wiring/embedded.ts'),
  layer('src/wiring', '../server/run.ts'),
  layer('src/server', '../adapters/memory/ledger.ts'),
  layer('src/functions', '../adapters/memory/ledger.ts'),
  layer('bench', '../src/broker/broker.ts'),
  layer('examples', '../src/broker/broker.ts'),
  layer('cdk', '../src/broker/broker.ts'),
  layer('scripts', '../src/broker/broker.ts'),
  banned('src/log', 'Date.now()', 'noRestrictedGlobals'),
  banned('src/broker', 'setTimeout(() => {}, 1)', 'noRestrictedGlobals'),
  banned('src/broker', 'process.env', 'noRestrictedGlobals'),
  banned('src/broker', 'Math.random()', 'Randomness comes in through the Random port'),
  { name: 'an import cycle', path: 'src/log/canary.ts', source: "import { other } from './canary-other.ts';\n\nexport const canary = () => other;\n", tool: 'biome', says: 'noImportCycles' },
  { name: 'an unused file', path: 'src/log/canary.ts', source: 'export const canary = 1;\n', tool: 'knip', says: 'src/log/canary.ts' },
];

const commands: Record<Canary['tool'], (path: string) => readonly string[]> = {
  tsc: () => [bin('tsc'), '-p', '.'],
  biome: (path) => [bin('biome'), 'lint', '--colors=off', path],
  knip: () => [bin('knip'), '--no-progress'],
};

/** Runs the tool on a copy of the tree that holds the canary; `found` says whether the tool refused it for the right reason. */
export function runCanary(root: string, canary: Canary): { found: boolean; output: string } {
  const copy = mkdtempSync(join(tmpdir(), 'wadi-canary-'));
  try {
    for (const entry of ['src', 'test', 'bench', 'examples', 'package.json', 'tsconfig.json', 'biome.json', 'knip.json', 'vitest.config.ts'])
      cpSync(join(root, entry), join(copy, entry), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    mkdirSync(dirname(join(copy, canary.path)), { recursive: true });
    writeFileSync(join(copy, canary.path), canary.source);
    if (canary.says === 'noImportCycles') writeFileSync(join(copy, 'src/log/canary-other.ts'), "import { canary } from './canary.ts';\n\nexport const other = () => canary;\n");
    const [program, ...args] = commands[canary.tool](canary.path);
    const { status, stdout, stderr } = spawnSync(program as string, args, { cwd: copy, encoding: 'utf8' });
    const output = `${stdout}\n${stderr}`;
    return { found: status !== 0 && output.includes(canary.says), output };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
