// Limits that stand before any route, and connections that end in the middle of a request.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createAnswerBudget } from '../../src/http/answer-budget.ts';
import { createBodyBudget } from '../../src/http/read-body.ts';
import { answerRefused } from '../../src/server/refused.ts';
import { clientOf } from '../http/contract/client.ts';
import { type Home, memoryBroker, serveBroker } from '../http/contract/homes.ts';
import { openConnection, post } from './raw-socket.ts';

const bodies = createBodyBudget();
const answers = createAnswerBudget(64 * 2 ** 20, 300);
const batches = 'Accept: application/vnd.wadi.record-batches\r\n';
let home: Home;
let path: string;
const client = clientOf(() => home);

beforeAll(async () => {
  home = await serveBroker(await memoryBroker(), { headersTimeoutMs: 300, bodyTimeoutMs: 600, bodies, answers });
  path = `${await client.topic()}/partitions/0/records`;
});
afterAll(() => home.close());

const endOffset = async (): Promise<number> => (await client.get(path)).json.endOffset;
const problem = (status: number, code: string) => new RegExp(`^HTTP/1\\.1 ${status} .*content-type: application/problem\\+json\r\n.*"code":"${code}"`, 'is');

it.each([
  ['headers that never end', 'GET /v1 HTTP/1.1\r\nHost: localhost\r\n', 408, 'request_timeout'],
  ['headers beyond the limit', `GET /v1 HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(17_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ['no HTTP', 'HELLO\r\n\r\n', 400, 'invalid_request'],
  ['two lengths', 'POST /v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'invalid_request'],
  ['no host', 'GET /v1 HTTP/1.0\r\n\r\n', 400, 'invalid_request'],
  ['a target that is no URL', 'GET http:///\\ HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'invalid_request'],
] as const)('%s: a problem, then the end', async (_, request, status, code) => {
  const connection = openConnection(home.url);
  connection.write(request);
  expect(await connection.until(/\}$/)).toMatch(problem(status, code));
  connection.socket.end();
  await connection.closed;
});

it('one address opens no more connections than it may, and more as soon as one ends', async () => {
  const crowded = await serveBroker(await memoryBroker(), { maxConnectionsPerAddress: 2 });
  const [first, second] = [openConnection(crowded.url), openConnection(crowded.url)];
  for (const connection of [first, second]) {
    connection.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await connection.until(/ 200 OK/);
  }
  expect(await openConnection(crowded.url).closed).toBe('');
  first.socket.destroy();
  await first.closed;
  await expect.poll(async () => (await fetch(`${crowded.url}/healthz`).catch(() => undefined))?.status).toBe(200);
  second.socket.destroy();
  await crowded.close();
});

it('a body that comes too slowly is cut off, and nothing is written', async () => {
  const connection = openConnection(home.url);
  connection.write(`${post(path, 'Content-Length: 1000')}{"records":[{"value":1}]}`);
  expect(await connection.closed).toMatch(problem(408, 'request_timeout'));
  expect(await endOffset()).toBe(0);
  expect(bodies.inFlight).toBe(0);
});

it('a body that is announced larger than the limit is refused before it comes', async () => {
  const connection = openConnection(home.url);
  connection.write(post(path, `Content-Length: ${9 * 2 ** 20}\r\nExpect: 100-continue`));
  expect(await connection.until(/\}$/)).toMatch(problem(413, 'body_too_large'));
  connection.socket.destroy();
});

it('a chunked body is refused where it becomes larger than the limit', async () => {
  const connection = openConnection(home.url);
  connection.write(post(path, 'Transfer-Encoding: chunked'));
  const chunk = `100000\r\n${' '.repeat(2 ** 20)}\r\n`;
  for (let i = 0; i < 9; i++) connection.write(chunk);
  expect(await connection.until(/\}$/)).toMatch(problem(413, 'body_too_large'));
  connection.socket.destroy();
  await vi.waitFor(() => expect(bodies.inFlight).toBe(0), { interval: 2 });
});

it.each(['Content-Length: 100', 'Transfer-Encoding: chunked'])('a body that is cut off (%s) leaves nothing', async (framing) => {
  const before = await endOffset();
  const connection = openConnection(home.url);
  connection.write(post(path, framing));
  connection.write(framing.startsWith('T') ? '19\r\n{"records":[{"value":1}]}\r\n' : '{"records":[{"value":1}]}');
  if (framing.startsWith('C')) await vi.waitFor(() => expect(bodies.inFlight).toBe(100), { interval: 2 });
  else await vi.waitFor(() => expect(bodies.inFlight).toBe(25), { interval: 2 });
  connection.socket.destroy();
  await vi.waitFor(() => expect(bodies.inFlight).toBe(0), { interval: 2 });
  expect(await endOffset()).toBe(before);
});

it('a client that asks first is told to go on', async () => {
  const body = '{"records":[{"value":"asked"}]}';
  const connection = openConnection(home.url);
  connection.write(post(path, `Content-Length: ${body.length}\r\nExpect: 100-continue`));
  await connection.until(/^HTTP\/1\.1 100 Continue/);
  connection.write(body);
  await connection.until(/200 OK.*"baseOffset"/s);
  connection.socket.end();
});

it('one connection takes many requests, also when they are sent together', async () => {
  const connection = openConnection(home.url);
  connection.write(`${'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(200)}GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const received = await connection.until(/"ready"/);
  expect(received.split('"alive"')).toHaveLength(201);
  connection.socket.end();
});

it('a client that was refused and keeps its half open is cut off', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true }).resume();
  const [socket] = (await once(server, 'connection')) as [Socket];
  const closed = once(socket.resume(), 'close');
  answerRefused(new Error('no HTTP'), socket);
  await once(client, 'end');
  await closed;
  client.destroy();
  server.close();
});

it('a HEAD of record batches leaves its connection usable', async () => {
  const topic = await client.topic();
  await client.append(topic, ['x'.repeat(1000)]);
  const connection = openConnection(home.url);
  connection.write(`HEAD ${topic}/partitions/0/records HTTP/1.1\r\nHost: localhost\r\n${batches}\r\n`);
  expect(await connection.until(/\r\n\r\n$/)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*content-length: 1\d\d\d\r\n/is);
  connection.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(await connection.until(/"alive"/)).toMatch(/\r\n\r\nHTTP\/1\.1 200/);
  connection.socket.destroy();
});

it.each(['', batches])('I13: a reader that takes nothing of its answers is cut off, and they are let go (%j)', { timeout: 20_000 }, async (accept) => {
  const topic = await client.topic();
  await client.append(
    topic,
    Array.from({ length: 7 }, () => 'x'.repeat(10 ** 6)),
  );
  const connection = openConnection(home.url);
  connection.socket.pause();
  // More than the buffers of the system take.
  connection.write(`GET ${topic}/partitions/0/records?maxBytes=8388608 HTTP/1.1\r\nHost: localhost\r\n${accept}\r\n`.repeat(4));
  await vi.waitFor(() => expect(answers.inFlight).toBeGreaterThan(6 * 10 ** 6), { interval: 2, timeout: 5_000 });
  await vi.waitFor(() => expect(answers.inFlight).toBe(0), { interval: 10, timeout: 5_000 });
  connection.socket.resume();
  expect((await connection.closed).length).toBeLessThan(27 * 10 ** 6);
});

it('a connection that waits for records, or rests, after an answer is not cut off', { timeout: 20_000 }, async () => {
  const topic = await client.topic();
  await client.append(topic, [1]);
  const connection = openConnection(home.url);
  const get = (query: string) => `GET ${topic}/partitions/0/records?${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  connection.write(get('offset=0') + get('offset=1&waitMs=900'));
  expect(await connection.until(/"records":\[\],/)).toMatch(/"records":\[\{/);
  await new Promise((resolve) => setTimeout(resolve, 700));
  connection.write(get('offset=0'));
  await connection.until(/"records":\[\],.*"records":\[\{/s);
  connection.socket.destroy();
});

it.each([
  ['localhost', 200],
  ['LOCALHOST:8080', 200],
  ['127.0.0.1', 200],
  ['127.1.2.3:1', 200],
  ['[::1]:8080', 200],
  ['rebound.example', 403],
  ['localhost.rebound.example:8080', 403],
  ['127.0.0.1.rebound.example', 403],
  ['192.168.0.1:8080', 403],
] as const)('a request to the host %s: %i', async (host, status) => {
  const connection = openConnection(home.url);
  connection.write(`GET /v1/topics HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  expect(await connection.until(/\}$/)).toMatch(status === 200 ? /^HTTP\/1\.1 200 / : problem(403, 'host_not_allowed'));
  connection.socket.destroy();
});
