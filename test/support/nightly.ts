// `npm run nightly`: every suite at its full length, one after another. Ends with "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const seed = String(Math.floor(Date.now() / 86_400_000));

const suites: readonly (readonly string[])[] = [
  ['test'],
  ['run', 'check'],
  ['run', 'test:codec'],
  ['run', 'test:conformance'],
  ['run', 'test:conformance', '--', '--dynamodb'],
  ['run', 'test:conformance', '--', '--s3'],
  ['run', 'test:streams'],
  ['run', 'test:cli'],
  ['run', 'test:http'],
  ['run', 'test:metrics'],
  ['run', 'test:pack'],
  ['run', 'test:docs'],
  ['run', 'test:browser'],
  ['run', 'test:agents'],
  ['run', 'simulate', '--', '--seeds', '10000', '--seed', seed],
  ['run', 'simulate:planted'],
  ['run', 'simulate:contention'],
  ['run', 'model'],
  ['run', 'crash', '--', '--kills', '200', '--seed', seed],
  ['run', 'crash', '--', '--drop-unsynced', '--kills', '100', '--seed', seed],
  ['run', 'crash', '--', '--idempotent', '--kills', '200', '--seed', seed],
  ['run', 'crash', '--', '--cloud', '--kills', '100', '--seed', seed],
  ['run', 'crash', '--', '--lambda', '--kills', '30', '--seed', seed],
  ['run', 'contention', '--', '--seed', seed],
  ['run', 'test:cdk'],
  ['run', 'test:localstack', '--', '--start'],
  ['run', 'soak', '--', '--seed', seed],
  ['run', 'fuzz', '--', '--seed', seed],
  ['run', 'example:flights'],
  ['run', 'costs'],
  ['run', 'bench'],
  ['run', 'bench', '--', '--cloud'],
  ['run', 'bench', '--', '--functions'],
];

const failed: string[] = [];
for (const args of suites) {
  const name = `npm ${args.join(' ')}`;
  console.log(`\n== ${name}`);
  const { status } = spawnSync('npm', args, { cwd: root, stdio: 'inherit' });
  console.log(`== ${name} ${status === 0 ? 'passed' : 'FAILED'}`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) console.log(`\nfailed:\n  ${failed.join('\n  ')}`);
console.log(`${suites.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
