// npm run test:localstack: the stack, truly deployed and taken down again.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../support/options.ts';
import { createTally } from '../support/tally.ts';
import { deploy, destroy, leftovers, startLocalstack, stopLocalstack, workLeft } from './deployment.ts';
import { startUrlFront } from './url-front.ts';

const help = `
npm run test:localstack -- [options]

Deploys the stack on LocalStack with the cdk command, runs the whole contract suite and the example with 30,000 flights
through the URLs of its functions, sees the rule start the compactor, destroys the stack, and looks for what is left.

It needs a LocalStack at AWS_ENDPOINT_URL: 'docker compose -f localstack.yml up', or --start. Its endpoint must be named
localhost: the cdk command puts the bucket's name before other names, and before an address.

  --ci       the same
  --start    start one as a process of this machine, without containers, and stop it at the end. The first time that
             installs it below ~/.cache (Python 3.11, Java 17; a few minutes)

Ends with 'N passed, N failed'; exits 1 if anything failed, and if it did not run.
`;

const root = fileURLToPath(new URL('../..', import.meta.url));
const options = readOptions(help, { start: 'flag', ci: 'flag' });
const endpoint = options.start ? await startLocalstack() : process.env['AWS_ENDPOINT_URL'];

if (endpoint === undefined) {
  console.log("did not run: AWS_ENDPOINT_URL names no LocalStack. Start one with 'docker compose -f localstack.yml up', or let --start do it.");
  console.log('0 passed, 0 failed');
  process.exitCode = 1;
} else {
  try {
    await runAll(endpoint);
  } finally {
    if (options.start) await stopLocalstack();
  }
}

async function runAll(endpoint: string): Promise<void> {
  const tally = createTally();
  const deployment = await deploy(endpoint);
  tally.check('cdk deploys the stack', []);
  const front = await startUrlFront(deployment);
  const code = await contract(front.url);
  tally.check('the contract suite through the function URLs', code === 0 ? [] : [`vitest ended with ${code}`]);
  await leaveWork(front.url);
  const flights = await runNode('examples/flights/main.ts', ['--url', front.url, '--rows', '30000']);
  tally.check('30,000 flights go through the functions and come back the same', flights === 0 ? [] : [`the example ended with ${flights}`]);
  tally.check('the compactor, started by its rule, clears a deleted topic away', await workLeft(endpoint, deployment));
  await front.close();
  await destroy(endpoint);
  tally.check('cdk destroys the stack, and nothing is left', await leftovers(endpoint, deployment));
  tally.end();
}

function contract(url: string): Promise<number | null> {
  return runNode('node_modules/vitest/vitest.mjs', ['run', 'test/http/contract'], { WADI_CONTRACT_URL: url });
}

/** Answers its exit code. */
async function runNode(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<number | null> {
  const child = spawn(process.execPath, [program, ...args], { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

/** A topic with records of both kinds, deleted: what it leaves is the compactor's. */
async function leaveWork(url: string): Promise<void> {
  const topic = `${url}/v1/topics/deleted`;
  const json = (body: object) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  await fetch(topic, { method: 'PUT', ...json({ partitions: 4 }) });
  for (const length of [10, 10_000]) await fetch(`${topic}/records`, { method: 'POST', ...json({ records: Array.from({ length: 20 }, (_, i) => ({ key: String(i), value: 'x'.repeat(length) })) }) });
  const { status } = await fetch(topic, { method: 'DELETE' });
  if (status !== 200) throw new Error(`DELETE of a topic answered ${status}`);
}
