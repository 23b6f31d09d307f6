// The server as its users meet it: a process that is started, told to stop, and killed.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { readTotals, type ServerProcess, spawnServer, startServer, temporaryFolder } from '../support/server-process.ts';
import { openConnection, post } from './raw-socket.ts';

const entry = fileURLToPath(new URL('../../src/server/main.ts', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [entry, ...args], { encoding: 'utf8', timeout: 20_000 });

const started: ServerProcess[] = [];
const start = async (dataDir = temporaryFolder('server'), args: string[] = []) => {
  const server = await startServer({ dataDir, args });
  started.push(server);
  return { ...server, dataDir };
};
afterEach(async () => {
  for (const server of started.splice(0)) await server.kill();
});

const json = { 'content-type': 'application/json' };
const put = (url: string) => fetch(`${url}/v1/topics/t`, { method: 'PUT' });
const append = (url: string, value: unknown) => fetch(`${url}/v1/topics/t/records`, { method: 'POST', headers: json, body: JSON.stringify({ records: [{ value }] }) });
const records = async (url: string): Promise<unknown[]> => ((await (await fetch(`${url}/v1/topics/t/records`)).json()) as { records: { value: unknown }[] }).records.map(({ value }) => value);

/** Of a request that names this host. */
async function statusFor(url: string, host: string): Promise<string | undefined> {
  const connection = openConnection(url);
  connection.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return / (\d{3}) /.exec(await connection.closed)?.[1];
}

describe('command line', () => {
  it('--help teaches by examples', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    for (const word of ['--data', '--host', '--port', '--insecure', 'curl -X PUT']) expect(stdout).toContain(word);
  });

  it.each([
    [['--port', 'x'], '--port is a number'],
    [['--port', '65536'], '--port is a number'],
    [['--dta', 'x'], "'--dta'"],
    [['extra'], "'extra'"],
    [['--data', ''], '--data is a folder'],
    [['--host', '0.0.0.0'], '--insecure'],
    [['--host', '0.0.0.0'], '--tokens'],
    [['--tokens', ''], '--tokens is a file'],
    [['--tls-cert', 'x'], '--tls-key go together'],
    [['--tls-key', 'x'], '--tls-key go together'],
    [['--cors-origin', 'app.example.com'], '--cors-origin is an origin'],
    [['--cors-origin', 'https://app.example.com/'], '--cors-origin is an origin'],
    [['--host', '::'], '--insecure'],
  ])('%j: one line that says what is wrong, and exit code 2', (args, message) => {
    const { status, stderr, stdout } = run(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('listens beyond this machine with --insecure', async () => {
    const server = spawnServer({ dataDir: temporaryFolder('server'), args: ['--host', '0.0.0.0', '--insecure'] });
    started.push(server);
    while (!server.output().includes('curl')) await Promise.race([new Promise(setImmediate), server.exited.then(() => expect.unreachable(server.output()))]);
    expect(server.output()).toContain('http://0.0.0.0:');
    expect(await statusFor(`http://127.0.0.1:${/0\.0\.0\.0:(\d+)/.exec(server.output())?.[1]}`, 'wadi.example')).toBe('200');
    await server.stop();
  });

  it('takes requests under names of this machine only, without it', async () => {
    const { url } = await start();
    expect([await statusFor(url, 'localhost'), await statusFor(url, 'wadi.example')]).toEqual(['200', '403']);
  });
});

describe('a server that cannot start says why in a sentence, and exits with code 1', () => {
  const failure = async (dataDir: string, port?: number): Promise<string> => {
    const server = spawnServer({ dataDir, ...(port === undefined ? {} : { port }) });
    started.push(server);
    expect((await server.exited).code).toBe(1);
    expect(server.output()).not.toMatch(/^ +at /m);
    return server.output();
  };

  it('where the data folder is in use, by whom', async () => {
    const first = await start();
    expect(await failure(first.dataDir)).toContain(`in use by process ${first.pid}`);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  it('where the port is in use, and leaves the folder free', async () => {
    const first = await start();
    const dataDir = temporaryFolder('server');
    expect(await failure(dataDir, Number(new URL(first.url).port))).toContain('--port');
    await start(dataDir);
  });

  it('where the data is of a newer version', async () => {
    const dataDir = temporaryFolder('server');
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(`${dataDir}/format`, 'wadi 99\n');
    expect(await failure(dataDir)).toContain('layout 99');
  });
});

describe('SIGTERM', () => {
  it('answers what was accepted, ends waits with an empty page, and tells the totals', async () => {
    const server = await start();
    await put(server.url);
    for (let i = 0; i < 20; i++) expect((await append(server.url, i)).status).toBe(200);
    const body = '{"records":[{"value":"late"}]}';
    const slow = openConnection(server.url);
    slow.write(post('/v1/topics/t/records', `Content-Length: ${body.length}\r\nExpect: 100-continue`));
    // A client that asks whether to go on learns that its request has been accepted.
    const poll = openConnection(server.url);
    poll.write('GET /v1/topics/t/partitions/0/records?waitMs=30000&from=end-0 HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n');
    await Promise.all([slow.until(/100 Continue/), poll.until(/100 Continue/)]);
    const stopped = server.stop();
    expect(await poll.closed).toMatch(/200 OK\r\n.*connection: close.*"records":\[\]/is);
    slow.write(body);
    expect(await slow.closed).toMatch(/200 OK\r\n.*connection: close.*"baseOffset"/is);
    const output = await stopped;
    expect(readTotals(output)?.appends).toBe(21);
    expect(readTotals(output)?.syncs).toBeGreaterThan(0);
    const again = await start(server.dataDir);
    expect((await records(again.url)).length).toBe(21);
  });

  it('does not wait for connections that ask nothing', async () => {
    const server = await start();
    const idle = openConnection(server.url);
    await new Promise((resolve) => idle.socket.once('connect', resolve));
    const used = openConnection(server.url);
    used.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await used.until(/alive/);
    const began = performance.now();
    await server.stop();
    expect(performance.now() - began).toBeLessThan(5_000);
    await Promise.all([idle.closed, used.closed]);
  });

  it('a second signal ends it at once', async () => {
    const server = await start();
    await put(server.url);
    const slow = openConnection(server.url);
    slow.write(post('/v1/topics/t/records', 'Content-Length: 100\r\nExpect: 100-continue'));
    await slow.until(/100 Continue/);
    process.kill(server.pid, 'SIGTERM');
    // The listening socket is closed before anything else, so a refused connection says that the first was heard.
    while (
      await fetch(`${server.url}/healthz`).then(
        () => true,
        () => false,
      )
    )
      await new Promise(setImmediate);
    process.kill(server.pid, 'SIGINT');
    expect((await server.exited).code).toBe(1);
  });
});

it('I3: kill -9 loses nothing that was acknowledged', async () => {
  const first = await start();
  await put(first.url);
  const acknowledged: number[] = [];
  const producers = Array.from({ length: 4 }, async (_, producer) => {
    for (let i = producer; ; i += 4) {
      const reply = await append(first.url, i).catch(() => undefined);
      if (reply?.status !== 200) return;
      acknowledged.push(i);
      if (acknowledged.length === 200) await first.kill();
    }
  });
  await Promise.all(producers);
  const second = await start(first.dataDir);
  const page = (await (await fetch(`${second.url}/v1/topics/t/records?limit=10000`)).json()) as { records: { value: number }[] };
  const stored = new Set(page.records.map(({ value }) => value));
  expect(acknowledged.length).toBeGreaterThanOrEqual(200);
  expect(acknowledged.filter((value) => !stored.has(value))).toEqual([]);
});
