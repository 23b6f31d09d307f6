// A server that a script starts never outlives it, however the script ends; proved with a stand-in server.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readTotals, startServer, temporaryFolder } from './server-process.ts';

const folder = temporaryFolder('server-process');
const script = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const standIn = script(
  'server.mjs',
  `import { createServer } from 'node:http';
   const server = createServer((_, response) => response.end('here'));
   server.listen(0, '127.0.0.1', () => console.log('listens on http://127.0.0.1:' + server.address().port));
   process.on('SIGTERM', () => { console.log('stopped: 3 appends, 2 commits, 1 syncs'); process.exit(0); });`,
);

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('it starts, answers, stops and tells its totals', async () => {
  const server = await startServer({ dataDir: folder, entry: standIn });
  expect(await (await fetch(server.url)).text()).toBe('here');
  expect(readTotals(await server.stop())).toEqual({ appends: 3, commits: 2, syncs: 1 });
  expect(isAlive(server.pid)).toBe(false);
});

test('it is gone once kill() resolves', async () => {
  const server = await startServer({ dataDir: folder, entry: standIn });
  await server.kill();
  expect(isAlive(server.pid)).toBe(false);
});

test('one that ends at once is reported with what it printed', async () => {
  const broken = script('broken.mjs', "console.error('no such option'); process.exit(2);");
  await expect(startServer({ dataDir: folder, entry: broken })).rejects.toThrow(/ended with code 2 .*\n.*no such option/);
});

test('one that never answers is killed and reported', async () => {
  const silent = script('silent.mjs', 'setInterval(() => {}, 1000);');
  await expect(startServer({ dataDir: folder, entry: silent, startTimeoutMs: 300 })).rejects.toThrow('does not answer');
});

test.each(['throws', 'exits', 'SIGINT', 'SIGTERM'])('it dies with a script that ends by %s', async (how) => {
  const end = { throws: "throw new Error('on purpose');", exits: 'process.exit(3);' }[how] ?? `process.kill(process.pid, '${how}'); setInterval(() => {}, 1000);`;
  const support = fileURLToPath(new URL('server-process.ts', import.meta.url));
  const parent = script('parent.mjs', `import { startServer } from '${support}'; const server = await startServer({ dataDir: '.', entry: '${standIn}' }); process.stdout.write(server.url); ${end}`);
  const url = await new Promise<string>((resolve) => execFile(process.execPath, [parent], (_, stdout) => resolve(stdout)));
  expect(url).toMatch(/^http:/);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});
