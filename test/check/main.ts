// `npm run check`: types, lint and layers, formatting, unused code. Then the canaries: each plants one fault in a copy of
// the tree and must see the tool refuse it, so that a check which has gone blind fails here.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { canaries, runCanary } from './canaries.ts';
import { bin } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const checks: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: 'types', command: [bin('tsc'), '-p', '.'] },
  { name: 'lint, layers, format', command: [bin('biome'), 'ci', '--colors=off', '--error-on-warnings', '--max-diagnostics=20', '.'] },
  { name: 'unused code', command: [bin('knip'), '--no-progress'] },
];

let passed = 0;
let failed = 0;

function report(name: string, ok: boolean, output: string): void {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (ok) passed += 1;
  else {
    failed += 1;
    console.log(output.trim());
  }
}

for (const { name, command } of checks) {
  const [program, ...args] = command;
  const { status, stdout, stderr } = spawnSync(program as string, args, { cwd: root, encoding: 'utf8' });
  report(name, status === 0, `${stdout}\n${stderr}`);
}
for (const canary of canaries) {
  const { found, output } = runCanary(root, canary);
  report(`canary: ${canary.name}`, found, `The planted fault was not refused:\n${output}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
