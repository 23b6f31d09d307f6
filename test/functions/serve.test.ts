// What a function promises besides the contract: to end in time, to leave nothing undone, and to keep to its role.

import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { createCompactor } from '../../src/functions/compact.ts';
import type { HttpEvent } from '../../src/functions/event.ts';
import { createFunction, type FunctionOptions, type ServeEvent } from '../../src/functions/serve.ts';
import { gatheringSink, streamSink } from '../../src/functions/sinks.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { silent } from '../../src/wiring/log.ts';
import { isRotate, isSeal } from '../support/test-broker.ts';

const objects = memoryObjectStore(() => 0);
const make = (role: FunctionOptions['role'], ledger: Ledger): ServeEvent => createFunction({ role, stores: { ledger, objects }, version: 'test', otherUrl: 'https://other.example', log: silent });

function event(method: string, path: string, json?: unknown, headers: Record<string, string> = {}): HttpEvent {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  return {
    rawPath,
    rawQueryString,
    headers: { host: 'fetch.example', 'content-type': 'application/json', ...headers },
    requestContext: { http: { method } },
    ...(json === undefined ? {} : { body: JSON.stringify(json), isBase64Encoded: false }),
  };
}

async function call(serve: ServeEvent, given: HttpEvent, remainingMs = 30_000) {
  const { sink, answer } = gatheringSink();
  const endMs = Date.now() + remainingMs;
  await serve(given, sink, { getRemainingTimeInMillis: () => endMs - Date.now() });
  // Lambda would have ended it.
  expect(Date.now()).toBeLessThan(endMs);
  const { statusCode, headers, body, isBase64Encoded } = answer();
  return { statusCode, headers, body, isBase64Encoded, json: () => JSON.parse(body) };
}

const put = (serve: ServeEvent) => call(serve, event('PUT', '/v1/topics/t', { partitions: 1 }));
const append = (serve: ServeEvent, remainingMs?: number) => call(serve, event('POST', '/v1/topics/t/records', { records: [{ value: 1 }] }), remainingMs);
const read = (serve: ServeEvent, query = '', headers: Record<string, string> = {}, remainingMs?: number) =>
  call(serve, event('GET', `/v1/topics/t/partitions/0/records${query}`, undefined, headers), remainingMs);

async function ledgerWithRecord(): Promise<Ledger> {
  const ledger = memoryLedger();
  const produce = make('produce', ledger);
  await put(produce);
  await append(produce);
  return ledger;
}

describe('answers', () => {
  it('are text where they are text, and bytes in base64', async () => {
    const ledger = await ledgerWithRecord();
    const fetch = make('fetch', ledger);
    expect(await read(fetch)).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    const batches = await read(fetch, '', { accept: 'application/vnd.wadi.record-batches' });
    expect(batches).toMatchObject({ statusCode: 200, isBase64Encoded: true });
    expect(Buffer.from(batches.body, 'base64').readInt8(16)).toBe(2);
  });

  it.each([
    ['with a body', 'GET', '{"status":"alive"}'],
    ['without one', 'HEAD', ''],
  ])('stream, the head first: %s', async (_, method, body) => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, taken) {
        written.push(chunk.toString());
        taken();
      },
    });
    // Lambda writes the head with the first bytes.
    const HttpResponseStream = {
      from: (to: Writable, { statusCode }: { statusCode: number }) => {
        let begun = false;
        return new Writable({
          decodeStrings: false,
          write(chunk, _encoding, taken) {
            to.write(`${begun ? '' : `${statusCode} `}${chunk}`, taken);
            begun = true;
          },
          final: (ended) => void to.end(ended),
        });
      },
    };
    await make('fetch', memoryLedger())(event(method, '/healthz'), streamSink(stream, { HttpResponseStream }), { getRemainingTimeInMillis: () => 30_000 });
    expect(written.join('')).toBe(`200 ${body}`);
    expect(stream.writableFinished).toBe(true);
  });
});

it('a client that goes away in the middle of an answer fails its own request only', async () => {
  const ledger = memoryLedger();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const produce = make('produce', { ...ledger, write: (write) => turn().then(() => ledger.write(write)) });
  await put(produce);
  const gone = { head: () => {}, write: (_: Buffer, taken: (error: Error) => void) => taken(new Error('gone')), end: () => {} };
  // Several commits, each of which says a line of the answer.
  const lines = { ...event('POST', '/v1/topics/t/records', undefined, { 'content-type': 'application/x-ndjson' }), body: `{"value":"${'x'.repeat(1_000)}"}\n`.repeat(500) };
  await expect(produce(lines, gone, { getRemainingTimeInMillis: () => 30_000 })).rejects.toThrow('gone');
  expect((await append(produce)).statusCode).toBe(200);
});

describe('roles', () => {
  it('a function for one kind of requests says where the other kind goes, and does nothing', async () => {
    const ledger = memoryLedger();
    for (const [role, given] of [
      ['produce', event('GET', '/v1/topics')],
      ['fetch', event('PUT', '/v1/topics/t', {})],
    ] as const) {
      const refused = await call(make(role, ledger), given);
      expect(refused).toMatchObject({ statusCode: 405, headers: { 'content-type': 'application/problem+json' } });
      expect(refused.json()).toMatchObject({ code: 'method_not_allowed', detail: expect.stringContaining('https://other.example') });
    }
    expect((await read(make('fetch', ledger))).statusCode).toBe(404);
  });

  it('GET /v1 tells both endpoints, and the wait that a function grants', async () => {
    expect((await call(make('fetch', memoryLedger()), event('GET', '/v1'))).json()).toMatchObject({
      endpoints: { write: 'https://other.example', read: 'https://fetch.example' },
      limits: { maxWaitMs: 1_000 },
    });
  });

  it('fetch writes nothing', async () => {
    const ledger = await ledgerWithRecord();
    const written: unknown[] = [];
    const watched: Ledger = {
      ...ledger,
      write: async (write) => {
        written.push(write);
        return ledger.write(write);
      },
      writeAll: async (writes) => {
        written.push(...writes);
        return ledger.writeAll(writes);
      },
    };
    const fetch = make('fetch', watched);
    for (const path of ['/v1/topics', '/v1/topics/t', '/v1/topics/t/records', '/v1/topics/t/offsets', '/readyz']) expect((await call(fetch, event('GET', path))).statusCode).toBe(200);
    expect((await read(fetch)).json().records).toHaveLength(1);
    expect(written).toEqual([]);
  });
});

describe('time', () => {
  it('a wait ends before the function does', async () => {
    const ledger = memoryLedger();
    await put(make('produce', ledger));
    expect((await read(make('fetch', ledger), '?waitMs=30000', {}, 900)).json()).toMatchObject({ records: [] });
  });

  it('a stream of events ends before the function does', async () => {
    const ledger = memoryLedger();
    await put(make('produce', ledger));
    expect(await read(make('fetch', ledger), '', { accept: 'text/event-stream' }, 1_010)).toMatchObject({ statusCode: 200, headers: { 'Content-Type': 'text/event-stream' } });
  });

  it('I4: an append without an answer from the ledger is told as unknown before the function ends', async () => {
    const ledger = memoryLedger();
    await put(make('produce', ledger));
    const silentHead: Ledger = { ...ledger, write: (write) => (write.key.sk === 'H' ? new Promise(() => {}) : ledger.write(write)) };
    const answered = (await append(make('produce', silentHead), 1_050)).json();
    expect(answered.code ?? answered.results[0].code).toBe('append_unknown');
  });

  it('what a request leaves to be done is done before the function stands still', async () => {
    const ledger = memoryLedger();
    const slow: Ledger = {
      ...ledger,
      async write(write) {
        if (isSeal([write]) || isRotate([write])) for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        const outcome = await ledger.write(write);
        if (isRotate([write])) rotations++;
        return outcome;
      },
    };
    let rotations = 0;
    const produce = make('produce', slow);
    await put(produce);
    for (let i = 0; i < 8; i++) expect((await append(produce)).statusCode).toBe(200);
    expect(rotations).toBe(1);
  });
});

it('what could not be opened is told, and opened by the next request', async () => {
  const ledger = memoryLedger();
  let fails = true;
  const produce = make('produce', {
    ...ledger,
    write: async (write) => {
      if (fails) throw new StoreFailure('unavailable', 'none', 'no network');
      return ledger.write(write);
    },
  });
  const refused = await put(produce);
  expect(refused).toMatchObject({ statusCode: 503, headers: { 'content-type': 'application/problem+json' } });
  fails = false;
  expect((await put(produce)).statusCode).toBe(201);
});

describe('the compactor', () => {
  it('clears away a topic that a function deleted, and leaves alone what stands', async () => {
    const ledger = memoryLedger();
    const produce = make('produce', ledger);
    await put(produce);
    await append(produce);
    await call(produce, event('PUT', '/v1/topics/stands', { partitions: 1 }));
    expect((await call(produce, event('DELETE', '/v1/topics/t'))).statusCode).toBe(200);
    const compact = createCompactor({ stores: { ledger, objects }, log: silent });
    expect(await compact({ getRemainingTimeInMillis: () => 30_000 })).toEqual({ settled: 1 });
    expect(await compact({ getRemainingTimeInMillis: () => 30_000 })).toEqual({ settled: 0 });
    expect((await call(make('fetch', ledger), event('GET', '/v1/topics/stands'))).statusCode).toBe(200);
  });

  it('stops before its time is over, and the next one goes on', async () => {
    const ledger = memoryLedger();
    const produce = make('produce', ledger);
    await put(produce);
    await call(produce, event('DELETE', '/v1/topics/t'));
    const compact = createCompactor({ stores: { ledger, objects }, log: silent });
    expect(await compact({ getRemainingTimeInMillis: () => 4_000 })).toEqual({ settled: 0 });
    expect(await compact({ getRemainingTimeInMillis: () => 30_000 })).toEqual({ settled: 1 });
  });
});
