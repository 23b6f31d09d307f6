// The OpenAPI document against the server, from both sides: each error that it names is provoked (test/http/openapi),
// and requests that schemathesis makes of it get no answer outside it, and none of 5xx.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../support/apt.ts';
import { readOptions } from '../support/options.ts';
import { startServer, temporaryFolder } from '../support/server-process.ts';

const help = `
npm run test:http -- [options]

Provokes every error that the OpenAPI document names, on each operation that names it, and sends requests that
schemathesis (PyPI, installed beside the temporary files) makes of the document: none may be answered with 5xx, nor with
a status, content type or body that the document has not.

  --ci        200 requests at least instead of 2,000
  --seed N    of the requests (default 1)

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const { ci, seed = 1 } = readOptions(help, { ci: 'flag', seed: 'number' });
const leastCases = ci ? 200 : 2_000;
const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
const version = '4.32.5';
const root = fileURLToPath(new URL('../..', import.meta.url));
const run = (command: string, args: readonly string[], more: object = {}): SpawnSyncReturns<string> => spawnSync(command, args, { encoding: 'utf8', cwd: root, ...more });

let [passed, failed] = [0, 0];
function tell(name: string, problem: string | undefined): void {
  if (problem === undefined) passed++;
  else failed++;
  console.log(`${problem === undefined ? 'ok    ' : 'FAILED'} ${name}${problem === undefined ? '' : `\n${problem}`}`);
}

provokeErrors();
const st = installed();
if (st === undefined) tell('schemathesis', 'it is not there, and could not be installed: it takes python3 with venv, and PyPI');
else await sendCases(st);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function provokeErrors(): void {
  const { status, stdout, stderr } = run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/http/openapi', '--reporter=default']);
  const count = /Tests.*?(\d+) passed/.exec(plain(stdout))?.[1];
  tell(`each operation succeeds, and answers each error that the document names for it: ${count ?? 'no'} tests`, status === 0 ? undefined : stdout + stderr);
}

/** The command, in a virtual environment that is kept from run to run. */
function installed(): string | undefined {
  const folder = join(tmpdir(), `wadi-schemathesis-${version}`);
  const command = join(folder, 'bin', 'st');
  const isThere = (): boolean => run(command, ['--version']).stdout?.includes(version) ?? false;
  if (isThere()) return command;
  console.log(`installing schemathesis ${version}`);
  if (run('python3', ['-m', 'venv', folder]).status !== 0) {
    installPackages('python3-venv');
    run('python3', ['-m', 'venv', '--clear', folder]);
  }
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${version}`]);
  return isThere() ? command : undefined;
}

/** In two runs: with any topic, and with one that stands and is not deleted. */
async function sendCases(st: string): Promise<void> {
  const folder = temporaryFolder('http');
  const server = await startServer({ dataDir: join(folder, 'data') });
  const work = join(folder, 'schemathesis');
  mkdirSync(work);
  const [any, one] = [join(work, 'any.toml'), join(work, 'one.toml')];
  writeFileSync(any, '');
  writeFileSync(one, '[parameters]\n"path.topic" = "fuzz"\n"path.partition" = 0\n');
  const json = { 'content-type': 'application/json' };
  await fetch(`${server.url}/v1/topics/fuzz`, { method: 'PUT', headers: json, body: '{"partitions":2}' });
  await fetch(`${server.url}/v1/topics/fuzz/records`, { method: 'POST', headers: json, body: '{"records":[{"key":"k","value":1},{"value":{"a":[]}}]}' });
  let cases = 0;
  for (const [name, config, more] of [
    ['any topic', any, []],
    ['a topic that stands', one, ['--exclude-operation-id', 'deleteTopic']],
  ] as const) {
    const examples = String(Math.ceil(leastCases / 2 / 15));
    const { status, stdout, stderr } = run(
      st,
      [
        '--config-file',
        config,
        'run',
        `${server.url}/v1/openapi.json`,
        '--max-examples',
        examples,
        '--seed',
        String(seed),
        '--phases',
        'examples,coverage,fuzzing',
        '--checks',
        checks,
        '--request-timeout',
        '60',
        ...more,
      ],
      { cwd: work, timeout: 20 * 60_000 },
    );
    const made = Number(/([\d,]+) generated/.exec(plain(stdout))?.[1]?.replaceAll(',', '') ?? 0);
    cases += made;
    tell(`${made.toLocaleString('en')} requests to ${name}: no 5xx, nothing outside the document`, status === 0 ? undefined : stdout + stderr);
  }
  tell(`at least ${leastCases.toLocaleString('en')} requests were made: ${cases.toLocaleString('en')}`, cases >= leastCases ? undefined : 'fewer were made');
  tell('the server lives', (await fetch(`${server.url}/healthz`)).ok ? undefined : 'it does not');
  await server.stop();
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  return text.replaceAll(/\x1b\[[0-9;]*m/g, '');
}
