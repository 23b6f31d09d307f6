// HTTPS by certificate files, and tokens, with the real server process: read at the start, and again on SIGHUP.

import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { generate } from 'selfsigned';
import { afterEach, expect, it } from 'vitest';
import { addToken } from '../../src/access/token-file.ts';
import { type ServerProcess, spawnServer, temporaryFolder } from '../support/server-process.ts';

const started: ServerProcess[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.kill();
});

async function certificateIn(folder: string): Promise<{ cert: string; key: string; ca: string }> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: '127.0.0.1' }], { keyType: 'ec', extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }] });
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  return { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: cert };
}

function start(args: readonly string[]): ServerProcess {
  const server = spawnServer({ dataDir: temporaryFolder('tls'), args });
  started.push(server);
  return server;
}

/** Waits for what the server prints. */
async function until(server: ServerProcess, pattern: RegExp): Promise<string> {
  while (!pattern.test(server.output())) await Promise.race([new Promise(setImmediate), server.exited.then(() => expect.unreachable(server.output()))]);
  return (pattern.exec(server.output()) as RegExpExecArray)[0];
}

function get(url: string, ca: string, headers: Record<string, string> = {}): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    request(url, { ca, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    })
      .on('error', reject)
      .end();
  });
}

it('serves HTTPS with the certificate, and takes a new one on SIGHUP', async () => {
  const folder = temporaryFolder('tls');
  const first = await certificateIn(folder);
  const server = start(['--tls-cert', first.cert, '--tls-key', first.key]);
  const url = await until(server, /https:\/\/127\.0\.0\.1:\d+/);
  expect((await get(`${url}/healthz`, first.ca)).status).toBe(200);
  const second = await certificateIn(folder);
  await expect(get(`${url}/healthz`, second.ca)).rejects.toThrow(/self-signed|signature/i);
  process.kill(server.pid, 'SIGHUP');
  await until(server, /SIGHUP: tokens and certificates were read again/);
  expect((await get(`${url}/healthz`, second.ca)).status).toBe(200);
});

it('takes no older TLS than 1.2', async () => {
  const { cert, key, ca } = await certificateIn(temporaryFolder('tls'));
  const server = start(['--tls-cert', cert, '--tls-key', key]);
  const { hostname, port } = new URL(await until(server, /https:\/\/127\.0\.0\.1:\d+/));
  const refused = await new Promise<string>((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, () => resolve('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  expect(refused).not.toBe('connected');
});

it('listens beyond this machine with tokens, says that they travel in the clear, and knows them', async () => {
  const tokens = join(temporaryFolder('tls'), 'tokens.json');
  const token = await addToken(tokens, { name: 'reader', access: ['read'] });
  const server = start(['--host', '0.0.0.0', '--tokens', tokens]);
  const port = (await until(server, /http:\/\/0\.0\.0\.0:\d+/)).split(':').at(-1);
  await until(server, /travel unencrypted/);
  const url = `http://127.0.0.1:${port}/v1`;
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  expect(server.output()).not.toContain(token.slice(0, 20));

  // A file that is not valid any more changes nothing.
  const before = readFileSync(tokens, 'utf8');
  writeFileSync(tokens, '{"tokens":');
  process.kill(server.pid, 'SIGHUP');
  await until(server, /SIGHUP: the file of tokens .* is not valid: it is not JSON.*; nothing was changed/);
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);

  writeFileSync(tokens, before);
  const other = await addToken(tokens, { name: 'other', access: ['read'] });
  process.kill(server.pid, 'SIGHUP');
  await until(server, /were read again/);
  expect((await fetch(url, { headers: { authorization: `Bearer ${other}` } })).status).toBe(200);
});

it.each([
  ['a file of tokens that is not there', ['--tokens', '/nowhere/tokens.json'], /cannot read the file of tokens/],
  ['a certificate that is none', ['--tls-cert', '/dev/null', '--tls-key', '/dev/null'], /cannot use the certificate/],
])('%s: a sentence, and exit code 1', async (_, args, message) => {
  const server = start(args);
  expect((await server.exited).code).toBe(1);
  expect(server.output()).toMatch(message);
  expect(server.output().trim().split('\n')).toHaveLength(1);
});
