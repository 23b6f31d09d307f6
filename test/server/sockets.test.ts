// Limits that stand before any route, and connections that end in the middle of a request.

import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createBodyBudget } from '../../src/http/read-body.ts';
import { clientOf } from '../http/contract/client.ts';
import { type Home, memoryBroker, serveBroker } from '../http/contract/homes.ts';
import { openConnection, post } from './raw-socket.ts';

const bodies = createBodyBudget();
let home: Home;
let path: string;
const client = clientOf(() => home);

beforeAll(async () => {
  home = await serveBroker(await memoryBroker(), { headersTimeoutMs: 300, bodyTimeoutMs: 600, bodies });
  path = `${await client.topic()}/partitions/0/records`;
});
afterAll(() => home.close());

const endOffset = async (): Promise<number> => (await client.get(path)).json.endOffset;
const problem = (status: number, code: string) => new RegExp(`^HTTP/1\\.1 ${status} .*content-type: application/problem\\+json\r\n.*"code":"${code}"`, 'is');

it.each([
  ['headers that never end', 'GET /v1 HTTP/1.1\r\nHost: x\r\n', 408, 'request_timeout'],
  ['headers beyond the limit', `GET /v1 HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(17_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ['no HTTP', 'HELLO\r\n\r\n', 400, 'invalid_request'],
  ['two lengths', 'POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'invalid_request'],
  ['no host', 'GET /v1 HTTP/1.0\r\n\r\n', 400, 'invalid_request'],
  ['a target that is no URL', 'GET http:///\\ HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'invalid_request'],
] as const)('%s: a problem, then the end', async (_, request, status, code) => {
  const connection = openConnection(home.url);
  connection.write(request);
  expect(await connection.until(/\}$/)).toMatch(problem(status, code));
  connection.socket.end();
  await connection.closed;
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
  connection.write(`${'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200)}GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n`);
  const received = await connection.until(/"ready"/);
  expect(received.split('"alive"')).toHaveLength(201);
  connection.socket.end();
});
