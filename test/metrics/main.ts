// Prometheus's own tool judges what a server tells of itself, after some work of every kind.

import { spawnSync } from 'node:child_process';
import { installPackages } from '../support/apt.ts';
import { readOptions } from '../support/options.ts';
import { startServer, temporaryFolder } from '../support/server-process.ts';

const help = `
npm run test:metrics -- [options]

Gives 'promtool check metrics' what GET /metrics answers. promtool comes with the package 'prometheus' of Debian, which
is installed where it is missing.

  --ci   the same

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

readOptions(help, { ci: 'flag' });

const hasPromtool = (): boolean => spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool()) {
  installPackages('prometheus');
}

const server = await startServer({ dataDir: temporaryFolder('metrics') });
const json = { 'content-type': 'application/json' };
await fetch(`${server.url}/v1/topics/a.b-c_d`, { method: 'PUT', headers: json, body: '{"partitions":3}' });
await fetch(`${server.url}/v1/topics/a.b-c_d/records`, { method: 'POST', headers: json, body: '{"records":[{"value":1},{"key":"k","value":2}]}' });
for (const path of ['/v1/topics/a.b-c_d/records', '/v1/topics/nowhere', '/nowhere', '/healthz', '/metrics']) await (await fetch(server.url + path)).arrayBuffer();
const text = await (await fetch(`${server.url}/metrics`)).text();
await server.stop();

if (hasPromtool()) {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} promtool accepts ${text.split('\n').length} lines of metrics`);
  if (status !== 0) console.log(stdout + stderr);
  console.log(status === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
  process.exitCode = status === 0 ? 0 : 1;
} else {
  console.log("FAILED promtool is not there, and could not be installed: install Debian's package 'prometheus', and run this again");
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}
