// The README's commands, run as they are printed, in their order, against a server that is started as the README says.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../support/options.ts';
import { startServer, temporaryFolder } from '../support/server-process.ts';

const help = `
npm run test:docs -- [options]

Runs each block of shell commands in README.md in a shell of its own that stops at the first error, against a server
that is started by what 'npm start' runs, on the port of the README where that is free. The blocks that begin with
'npm ci' are not run: they install, start and test this clone, which is done by then. Needs curl 7.82 or later.

  --ci   the same

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

readOptions(help, { ci: 'flag' });
const root = fileURLToPath(new URL('../..', import.meta.url));
const printedPort = 8080;
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text as string);
const runnable = blocks.filter((block) => !block.startsWith('npm ci'));

/** What must be in the output of a block that holds this text. */
const expected: readonly (readonly [block: RegExp, output: RegExp])[] = [
  [/-X PUT .*topics\/orders/, /"name":"orders"/],
  [/"price":1\.10/, /"results":\[\{"partition":/],
  [/^curl 'http[^']*from=earliest'$/m, /"price":1\.10/],
  [/waitMs=1000&cursor=/, /"records":\[\]/],
  [/as=value&key=carol/, /"baseOffset":/],
  [/Wadi-Expected-Offset: 100/, /"code":"offset_mismatch".*"endOffset":/],
  [/npx wadi consume/, /from a terminal/],
];

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

const port = (await isFree(printedPort)) ? printedPort : 0;
const server = await startServer({ dataDir: temporaryFolder('docs'), port });
const actual = new URL(server.url).port;
if (port === 0) console.log(`port ${printedPort} is in use: the commands are run with ${actual} instead`);
// `npx wadi` finds the command of this clone.
const home = temporaryFolder('docs-home');
mkdirSync(join(home, 'bin'));
symlinkSync(join(root, 'bin', 'wadi.js'), join(home, 'bin', 'wadi'));
const env = { ...process.env, HOME: home, WADI_URL: server.url };

let passed = 0;
let failed = 0;
for (const block of runnable) {
  const command = block.replaceAll(`127.0.0.1:${printedPort}`, `127.0.0.1:${actual}`);
  const { status, stdout, stderr } = spawnSync('bash', ['-eo', 'pipefail', '-c', command], { cwd: root, env, encoding: 'utf8', timeout: 60_000 });
  const missing = expected.filter(([of, output]) => of.test(block) && !output.test(stdout.replaceAll('\n', ' ')));
  const ok = status === 0 && missing.length === 0;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${block.trim().split('\n')[0]}`);
  if (!ok) console.log(`         exit code ${status}\n${stdout}${stderr}${missing.map(([, output]) => `\n         not in the output: ${output}`).join('')}`);
  if (ok) passed++;
  else failed++;
}
await server.stop();
for (const [of] of expected) {
  if (runnable.some((block) => of.test(block))) continue;
  console.log(`FAILED no block of the README matches ${of}`);
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
