// The OpenAPI document against the server: every operation has its success, and every error that the document names
// for an operation is provoked on that operation, and answered with the status under which the document has it.

import { once } from 'node:events';
import { connect } from 'node:net';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Access, accesses, createTokens, hashOf, makeToken } from '../../../src/access/tokens.ts';
import { memoryLedger } from '../../../src/adapters/memory/ledger.ts';
import { createAnswerBudget } from '../../../src/http/answer-budget.ts';
import { createBodyBudget } from '../../../src/http/read-body.ts';
import { errorsOf } from '../../../src/http/route-errors.ts';
import { type BuiltRoute, builtRoutes, openApiPath } from '../../../src/http/routes.ts';
import { decodeCursor, encodeCursor } from '../../../src/log/cursor.ts';
import type { Write } from '../../../src/log/write.ts';
import { StoreFailure } from '../../../src/ports/failure.ts';
import type { Ledger } from '../../../src/ports/ledger.ts';
import type { ErrorCode } from '../../../src/record/errors.ts';
import { crc32c, encodeBatch } from '../../support/record-batch.ts';
import { clientOf } from '../contract/client.ts';
import { type Home, memoryBroker, serveBroker } from '../contract/homes.ts';

type Asked = { readonly method: string; readonly path: string; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array };
type Answered = { readonly status: number; readonly code: string };

/** What the ledger does with the calls that come. */
let fault: { readonly on: 'all' | 'writes'; readonly raise: () => unknown } | undefined;
let tokens: ReturnType<typeof createTokens> | undefined;
const maxBodyBytes = 256 * 1024;
const bodies = createBodyBudget(maxBodyBytes, 4 * maxBodyBytes);
const answers = createAnswerBudget(4 * maxBodyBytes);

function faulty(ledger: Ledger): Ledger {
  const meet = (on: 'all' | 'writes'): unknown => (fault !== undefined && (on === 'writes' || fault.on === 'all') ? fault.raise() : undefined);
  return {
    ...ledger,
    async read(...given) {
      meet('all');
      return ledger.read(...given);
    },
    async scan(...given) {
      meet('all');
      return ledger.scan(...given);
    },
    async write(write) {
      return meet('writes') === 'refuse' ? { applied: false, item: (await ledger.read([write.key], { strong: true }))[0] } : ledger.write(write);
    },
    async writeAll(writes) {
      if (meet('writes') !== 'refuse') return ledger.writeAll(writes);
      const items = await ledger.read(
        writes.map(({ key }: Write) => key),
        { strong: true },
      );
      return { applied: false, outcomes: items.map((item) => ({ applied: false, item })) };
    },
  };
}

let home: Home;
let hasty: Home;
beforeAll(async () => {
  home = await serveBroker(await memoryBroker({ ledger: faulty(memoryLedger()) }), { tokens: () => tokens, bodies, answers });
  hasty = await serveBroker(await memoryBroker(), { headersTimeoutMs: 50, bodyTimeoutMs: 50 });
});
afterAll(() => Promise.all([home.close(), hasty.close()]));
const client = clientOf(() => home);

const json = { 'content-type': 'application/json' };
const batches = { 'content-type': 'application/vnd.wadi.record-batches' };
const records = (...list: object[]) => JSON.stringify({ records: list });

/** A request of each operation that succeeds where the topic stands with one record. */
const samples: Record<string, (topic: string) => Asked> = {
  about: () => ({ method: 'GET', path: '/v1' }),
  health: () => ({ method: 'GET', path: '/healthz' }),
  ready: () => ({ method: 'GET', path: '/readyz' }),
  docs: () => ({ method: 'GET', path: '/v1/docs' }),
  docsAsset: () => ({ method: 'GET', path: '/v1/docs/start.js' }),
  metrics: () => ({ method: 'GET', path: '/metrics' }),
  listTopics: () => ({ method: 'GET', path: '/v1/topics' }),
  createTopic: (topic) => ({ method: 'PUT', path: `${topic}-new`, headers: json, body: '{}' }),
  describeTopic: (topic) => ({ method: 'GET', path: topic }),
  alterTopic: (topic) => ({ method: 'PATCH', path: topic, headers: json, body: '{"partitions":2}' }),
  deleteTopic: (topic) => ({ method: 'DELETE', path: topic }),
  append: (topic) => ({ method: 'POST', path: `${topic}/records`, headers: json, body: records({ value: 1 }) }),
  appendToPartition: (topic) => ({ method: 'POST', path: `${topic}/partitions/0/records`, headers: json, body: records({ value: 1 }) }),
  takeProducer: () => ({ method: 'POST', path: '/v1/producers', headers: json, body: '{}' }),
  fetchPartition: (topic) => ({ method: 'GET', path: `${topic}/partitions/0/records` }),
  fetchTopic: (topic) => ({ method: 'GET', path: `${topic}/records` }),
  findOffsets: (topic) => ({ method: 'GET', path: `${topic}/offsets?timestamp=0` }),
};

async function ask({ method, path, headers = {}, body }: Asked, more: Partial<Asked> = {}): Promise<Answered> {
  const reply = await client.send(method, more.path ?? path, { headers: { ...headers, ...more.headers }, ...((more.body ?? body) === undefined ? {} : { body: (more.body ?? body) as string }) });
  return { status: reply.status, code: reply.status < 400 ? 'none' : reply.json.code };
}

/** Bytes to a socket, and the problem that comes back. */
async function tell(to: Home, head: string): Promise<Answered> {
  const { hostname, port } = new URL(to.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  socket.write(head);
  let text = '';
  socket.on('data', (part: string) => (text += part)).on('error', () => {});
  await once(socket, 'close');
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? text;
  return { status: Number(text.slice(9, 12)), code };
}

async function withFault(on: 'all' | 'writes', raise: () => unknown, run: () => Promise<Answered>): Promise<Answered> {
  fault = { on, raise };
  try {
    return await run();
  } finally {
    fault = undefined;
  }
}

const failing =
  (reason: 'unavailable' | 'corrupt' | 'newer' | 'full', effect: 'none' | 'unknown' = 'none') =>
  () => {
    throw new StoreFailure(reason, effect, 'injected');
  };

async function withTokens(access: readonly Access[], run: (token: string) => Promise<Answered>, topics: { readonly topics?: readonly string[] } = {}): Promise<Answered> {
  const token = makeToken();
  tokens = createTokens([{ name: 'test', access, ...topics, sha256: hashOf(token).toString('hex') }]);
  try {
    return await run(token);
  } finally {
    tokens = undefined;
  }
}

async function whileHeld(budget: { inFlight: number; maxBytesInFlight: number }, run: () => Promise<Answered>): Promise<Answered> {
  const before = budget.inFlight;
  budget.inFlight = budget.maxBytesInFlight;
  try {
    return await run();
  } finally {
    budget.inFlight = before;
  }
}

const isRecords = (operation: string): boolean => operation.startsWith('append');
const isFetch = (operation: string): boolean => operation.startsWith('fetch');
/** Where the topic must be read first, an append has not begun. */
const atUnknownTopic = (operation: string, asked: Asked): Asked => (isRecords(operation) ? { ...asked, path: asked.path.replace('/errors-', '/unknown-') } : asked);
const batch = (value: string): Buffer => encodeBatch([{ value: Buffer.from(value) }], 1_700_000_000_000);

/** A batch that was changed, with its checksum made right again. */
function changed(change: (bytes: Buffer) => Buffer): Buffer {
  const bytes = change(batch('x'.repeat(100)));
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

const withRecords = (attributes: number, payload: Uint8Array) => (bytes: Buffer) => {
  bytes.writeInt16BE(attributes, 21);
  return Buffer.concat([bytes.subarray(0, 61), payload]);
};

/** How an error is provoked, on whichever operation names it. */
const provoke: Partial<Record<ErrorCode, (built: BuiltRoute, topic: string, asked: Asked) => Promise<Answered>>> = {
  invalid_request: (_, __, { method, path }) => tell(home, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n`),
  headers_too_large: (_, __, { method, path }) => tell(home, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`),
  request_timeout: (_, __, { method, path }) => tell(hasty, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n`),
  host_not_allowed: (_, __, { method, path }) => tell(home, `${method} ${path} HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n`),
  unauthorized: (_, __, asked) => withTokens(accesses, () => ask(asked)),
  forbidden: ({ need }, _, asked) =>
    withTokens(
      accesses.filter((access) => access !== need),
      (token) => ask(asked, { headers: { authorization: `Bearer ${token}` } }),
      need === 'see' ? { topics: ['another'] } : {},
    ),
  not_found: () => ask({ method: 'GET', path: '/v1/docs/nothing.js' }),

  origin_not_allowed: (_, __, asked) => ask(asked, { headers: { origin: 'https://elsewhere.example' } }),
  unsupported_media_type: (_, __, asked) => ask(asked, { headers: { 'content-type': 'text/plain' } }),
  body_too_large: (_, __, asked) => ask(asked, { body: ' '.repeat(maxBodyBytes + 1) }),
  invalid_json: (_, __, asked) => ask(asked, { body: '{' }),
  invalid_utf8: ({ operation }, _, asked) => ask(asked, { body: Buffer.from(isRecords(operation) ? '{"records":[{"value":"\xff"}]}' : '{"config":{"\xff":1}}', 'latin1') }),
  json_too_deep: (_, __, asked) => ask(asked, { body: `{"records":[{"value":${'['.repeat(5000)}` }),
  server_busy: ({ operation }, _, asked) => whileHeld(isFetch(operation) ? answers : bodies, () => ask(asked)),

  storage_unavailable: ({ operation }, _, asked) =>
    operation === 'ready' ? askOther({ ready: () => false }, asked) : withFault('all', failing('unavailable', 'unknown'), () => ask(atUnknownTopic(operation, asked))),
  storage_corrupt: (_, __, asked) => withFault('all', failing('corrupt'), () => ask(asked)),
  unsupported_format: (_, __, asked) => withFault('all', failing('newer'), () => ask(asked)),
  internal: ({ operation }, _, asked) =>
    withFault(
      'all',
      () => {
        throw new Error('injected');
      },
      () => ask(atUnknownTopic(operation, asked)),
    ),
  storage_full: (_, __, asked) => withFault('writes', failing('full'), () => ask(asked)),
  append_unknown: (_, __, asked) => withFault('writes', failing('corrupt', 'unknown'), () => ask(asked)),
  topic_changed: (_, __, asked) =>
    withFault(
      'writes',
      () => 'refuse',
      () => ask(asked),
    ),
  shutting_down: async ({ operation }, _, asked) => (operation === 'ready' ? askOther({}, asked, (other) => other.stop()) : askOther({}, asked, (_other, close) => close())),
  partition_busy: async (_, topic, asked) => {
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const broker = await memoryBroker({ ledger: waiting(memoryLedger(), held) });
    const other = await serveBroker(broker);
    const there = clientOf(() => other);
    await there.send('PUT', topic, { json: {} });
    const large = { ...asked, body: records({ value: 'x'.repeat(1024 * 1024 - 1000) }) };
    // As many as may wait on a partition, and more.
    const sent = Array.from({ length: 70 }, () => there.send('POST', large.path, { headers: json, body: large.body }));
    const busy = await Promise.any(sent.map(async (one) => ((await one).status === 429 ? one : Promise.reject(new Error('not this one')))));
    letGo();
    await Promise.all(sent);
    await other.close();
    return { status: busy.status, code: busy.json.code };
  },

  invalid_topic_name: (_, topic, asked) => ask(asked, { path: asked.path.replace(topic, '/v1/topics/not%20a%20name') }),
  invalid_partitions: (_, __, asked) => ask(asked, { body: '{"partitions":0}' }),
  invalid_config: (_, __, asked) => ask(asked, { body: '{"config":{"nothing":1}}' }),
  topic_exists: (_, topic, asked) => ask(asked, { path: topic, body: '{"partitions":7}' }),
  topic_not_found: (_, topic, asked) => ask(asked, { path: asked.path.replace(topic, `${topic}-nowhere`) }),
  topic_recreated: (_, __, asked) => ask(asked, { path: `${asked.path}?topicId=other` }),
  partition_not_found: ({ operation }, _, asked) =>
    ask(asked, operation === 'append' ? { body: records({ value: 1, partition: 99 }) } : { path: asked.path.replace('/partitions/0', '/partitions/99') }),

  too_many_records: (_, __, asked) => ask(asked, { path: `${asked.path}?as=values`, body: `[${'1,'.repeat(10_000)}1]` }),
  record_too_large: async (_, topic, asked) => {
    expect((await client.send('PATCH', topic, { json: { config: { 'max.message.bytes': 1024 } } })).status).toBe(200);
    return ask(asked, { body: records({ value: 'x'.repeat(2000) }) });
  },
  invalid_record: (_, __, asked) => ask(asked, { body: records({ nothing: 1 }) }),
  invalid_timestamp: (_, __, asked) => ask(asked, { body: records({ value: 1, timestamp: 8.64e15 }) }),
  idempotency_key_reused: async (_, __, asked) => {
    const headers = { 'idempotency-key': 'k' };
    expect((await ask(asked, { headers, body: records({ value: 1 }) })).status).toBe(200);
    return ask(asked, { headers, body: records({ value: 2 }) });
  },
  out_of_order_sequence: (_, __, asked) => ask(asked, { body: '{"producer":{"id":1,"epoch":0,"sequence":5},"records":[{"value":1}]}' }),
  producer_fenced: async (_, __, asked) => {
    const body = (epoch: number) => JSON.stringify({ producer: { id: 1, epoch, sequence: 0 }, records: [{ value: 1 }] });
    expect((await ask(asked, { body: body(1) })).status).toBe(200);
    return ask(asked, { body: body(0) });
  },
  offset_mismatch: (_, __, asked) => ask(asked, { headers: { 'wadi-expected-offset': '77' } }),

  invalid_batch: (_, __, asked) => ask(asked, { headers: batches, body: batch('x').subarray(0, -3) }),
  corrupt_batch: (_, __, asked) => {
    const bytes = batch('x');
    bytes[bytes.length - 2] = 0x79;
    return ask(asked, { headers: batches, body: bytes });
  },
  unsupported_batch: (_, __, asked) => {
    const bytes = batch('x');
    bytes[16] = 1;
    return ask(asked, { headers: batches, body: bytes });
  },
  invalid_compression: (_, __, asked) => ask(asked, { headers: batches, body: changed(withRecords(4, Buffer.from('this is no zstd'))) }),
  decompressed_too_large: (_, __, asked) => ask(asked, { headers: batches, body: changed(withRecords(4, zstdCompressSync(Buffer.alloc(128 * 1024 * 1024)))) }),

  not_acceptable: (_, __, asked) => ask(asked, { headers: { accept: 'image/png' } }),
  invalid_cursor: (_, __, asked) => ask(asked, { path: `${asked.path}?cursor=none-of-ours` }),
  offset_out_of_range: async ({ operation }, topic, asked) => {
    if (operation === 'fetchPartition') return ask(asked, { path: `${asked.path}?offset=99` });
    return ask(asked, { path: `${asked.path}?cursor=${await cursorBeyond(topic)}` });
  },
};

async function askOther(
  options: Parameters<typeof serveBroker>[1],
  asked: Asked,
  before: (other: Awaited<ReturnType<typeof serveBroker>>, close: () => Promise<void>) => unknown = () => {},
): Promise<Answered> {
  const broker = await memoryBroker();
  const other = await serveBroker(broker, options);
  const there = clientOf(() => other);
  const topic = asked.path.split('/').slice(0, 4).join('/');
  if (asked.method === 'POST') await there.send('PUT', topic, { json: {} });
  await before(other, () => broker.committer.close());
  const reply = await there.send(asked.method, asked.path, { headers: asked.headers ?? {}, ...(asked.body === undefined ? {} : { body: asked.body }) });
  await other.close();
  return { status: reply.status, code: reply.json.code };
}

/** Appends wait until they may go on. */
function waiting(ledger: Ledger, held: Promise<void>): Ledger {
  const isAppend = ({ action, key }: Write): boolean => action === 'update' && key.sk === 'H';
  return {
    ...ledger,
    write: async (write) => {
      if (isAppend(write)) await held;
      return ledger.write(write);
    },
    writeAll: async (writes) => {
      if (writes.some(isAppend)) await held;
      return ledger.writeAll(writes);
    },
  };
}

async function cursorBeyond(topic: string): Promise<string> {
  const { cursor } = (await client.get(`${topic}/records`)).json;
  return encodeCursor({ ...decodeCursor(cursor), offsets: [99] });
}

type Operation = { readonly operationId: string; readonly security?: readonly object[]; readonly responses: Readonly<Record<string, { readonly content: object }>> };
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

let topics = 0;
async function freshTopic(): Promise<string> {
  const topic = `/v1/topics/errors-${topics++}`;
  expect((await client.send('PUT', topic, { json: { partitions: 1 } })).status).toBe(201);
  await client.append(topic, [1]);
  return topic;
}

async function operationOf(operation: string): Promise<Operation> {
  const { paths } = (await client.get(openApiPath)).json as Document;
  return Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .find(({ operationId }) => operationId === operation) as Operation;
}

/** The codes that the document has for an operation, with their statuses. */
async function documented(operation: string): Promise<Map<string, number>> {
  const found = await operationOf(operation);
  const codes = new Map<string, number>();
  for (const [status, { content }] of Object.entries(found.responses))
    for (const code of JSON.stringify(content)
      .match(/"enum":\["([^\]]+)"\]/)?.[1]
      ?.split('","') ?? [])
      if (Number(status) >= 400) codes.set(code, Number(status));
  return codes;
}

describe.each(builtRoutes)('$operation', (built) => {
  const sample = samples[built.operation] as (topic: string) => Asked;

  it('succeeds', async () => {
    expect((await ask(sample(await freshTopic()))).status).toBeLessThan(300);
  });

  it('is said to take a token where the server, given tokens, asks for one', async () => {
    const topic = await freshTopic();
    const { status } = await withTokens(accesses, () => ask(sample(topic)));
    expect(((await operationOf(built.operation)).security ?? []).length > 0).toBe(status === 401);
  });

  it('has in the document exactly the errors of its table', async () => {
    expect([...(await documented(built.operation)).keys()].sort()).toEqual([...errorsOf(built)].sort());
  });

  it.each(errorsOf(built))('%s', async (code) => {
    const topic = await freshTopic();
    const cause = provoke[code];
    if (cause === undefined) return expect.fail(`nothing provokes ${code}`);
    const { status, code: answered } = await cause(built, topic, sample(topic));
    expect([answered, status]).toEqual([code, (await documented(built.operation)).get(code)]);
  });
});
