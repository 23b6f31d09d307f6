// wadi audit on real data folders: whole, damaged, in use, and none.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { type ServerProcess, startServer, temporaryFolder } from '../support/server-process.ts';

const entry = fileURLToPath(new URL('../../bin/wadi.js', import.meta.url));
const audit = (folder: string) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, 'audit', folder], { encoding: 'utf8', timeout: 30_000 });
  return { status, stdout, stderr };
};

const running: ServerProcess[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.kill();
});

async function serve(dataDir: string) {
  const server = await startServer({ dataDir });
  running.push(server);
  return server;
}

/** A topic of two partitions, with 120 records one by one and one of 5 MB, which becomes an object. */
async function fill(url: string): Promise<void> {
  await fetch(`${url}/v1/topics/t`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"partitions":2,"config":{"max.message.bytes":4194304}}' });
  const post = (path: string, body: string, type = 'application/json') => fetch(`${url}/v1/topics/t${path}`, { method: 'POST', headers: { 'content-type': type }, body });
  for (let i = 0; i < 120; i++) await post('/records', `{"records":[{"value":${i},"partition":${i % 2}}]}`);
  const large = Array.from({ length: 6 }, (_, i) => `{"value":"${String(i).repeat(900_000)}"}`);
  expect((await post('/partitions/0/records', `{"records":[${large.join(',')}]}`)).status).toBe(200);
}

it('a whole folder: counts, and exit code 0', async () => {
  const folder = temporaryFolder('audit');
  const server = await serve(folder);
  await fill(server.url);
  await server.stop();
  const { status, stdout } = audit(folder);
  expect(stdout).toMatch(/^1 topics, 2 partitions, 126 records in \d+ pieces of [\d,]+ bytes: every record is there\n$/);
  expect(status).toBe(0);
});

it('I14: a damaged object is named with its partition and offset, exit code 5', async () => {
  const folder = temporaryFolder('audit');
  const server = await serve(folder);
  await fill(server.url);
  await server.stop();
  const objects = join(folder, 'objects');
  const file = readdirSync(objects, { recursive: true, withFileTypes: true }).find((one) => one.isFile());
  const path = join(file?.parentPath ?? '', file?.name ?? '');
  const bytes = readFileSync(path);
  bytes[1_000_000] = (bytes[1_000_000] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const { status, stdout } = audit(folder);
  expect(stdout).toMatch(/^t\/0 at 60: Stored records are damaged in object l0\/.*\n1 topics, .*: 1 problems\n$/);
  expect(status).toBe(5);
});

it('I14: a byte flipped in the journal is named with the partition and offset that it takes, all else is read', async () => {
  const folder = temporaryFolder('audit');
  const server = await serve(folder);
  await fetch(`${server.url}/v1/topics/t`, { method: 'PUT' });
  const append = (value: string) =>
    fetch(`${server.url}/v1/topics/t/partitions/0/records`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: `{"records":[{"value":"${value}"}]}` });
  for (const letter of ['a', 'b', 'c']) expect((await append(letter.repeat(20_000))).status).toBe(200);
  await server.stop();
  const journal = join(folder, 'journal');
  const [name] = readdirSync(journal).filter((one) => one.endsWith('.wadi'));
  const path = join(journal, name ?? '');
  const bytes = readFileSync(path);
  const at = bytes.indexOf('b'.repeat(1_000)) + 500;
  bytes[at] = 0;
  writeFileSync(path, bytes);
  const { status, stdout, stderr } = audit(folder);
  expect([status, stderr]).toEqual([5, '']);
  expect(stdout).toMatch(/^t\/0 at 1: .*\n1 topics, 1 partitions, 3 records .*: 1 problems\n$/);
});

it('a folder in use is left alone, exit code 1; what is no data folder is wrong use', async () => {
  const folder = temporaryFolder('audit');
  await serve(folder);
  expect(audit(folder)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('in use') });
  const empty = temporaryFolder('empty');
  expect(audit(empty)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('no data folder') });
  expect(readdirSync(empty)).toEqual([]);
});
