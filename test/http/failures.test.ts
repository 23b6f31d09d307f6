// Errors whose causes lie below the API: stores that fail, a server that is full. What is said of their effects must
// be true (I4).

import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { createAnswerBudget } from '../../src/http/answer-budget.ts';
import { createBodyBudget } from '../../src/http/read-body.ts';
import { headKey, partitionKey, topicKey } from '../../src/log/keys.ts';
import type { Write } from '../../src/log/write.ts';
import { type FailureReason, StoreFailure } from '../../src/ports/failure.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { type DueWork, startDueWork } from '../../src/wiring/due-work.ts';
import { clientOf, expectProblem } from './contract/client.ts';
import { type Home, memoryBroker, serveBroker } from './contract/homes.ts';

type Fault = { readonly reason: FailureReason; readonly effect: 'none' | 'unknown' } | Error;

/** Faults by partition for appends, and one for all reads. */
type Faults = { appends: Map<number, Fault>; reads?: Fault | undefined };

let home: Home;
afterEach(() => home.close());

const { get, send, raw, topic, append } = clientOf(() => home);

async function start(faults: Faults, reports: string[] = []): Promise<void> {
  const ledger = faulty(memoryLedger(), faults);
  home = await serveBroker(
    await memoryBroker({ ledger, telemetry: { count: () => {}, commitSize: () => {}, report: (event, facts, cause) => reports.push(`${event} ${JSON.stringify(facts)} ${cause}`) } }),
  );
}

function faulty(ledger: Ledger, faults: Faults): Ledger {
  const raise = (fault: Fault): never => {
    throw fault instanceof Error ? fault : new StoreFailure(fault.reason, fault.effect, 'injected: secret path /var/x');
  };
  const check = (write: Write): void => {
    for (const [partition, fault] of faults.appends) if (write.key.sk === 'H' && write.action === 'update' && write.key.pk.endsWith(partitionKey('', partition).slice(2))) raise(fault);
  };
  return {
    ...ledger,
    async read(keys, options) {
      if (faults.reads !== undefined) raise(faults.reads);
      return ledger.read(keys, options);
    },
    async write(write) {
      check(write);
      return ledger.write(write);
    },
    async writeAll(writes) {
      writes.forEach(check);
      return ledger.writeAll(writes);
    },
  };
}

const both = '{"records":[{"value":"a","partition":0},{"value":"b","partition":1}]}';
const full = { reason: 'full', effect: 'none' } as const;
const lost = { reason: 'full', effect: 'unknown' } as const;

describe('I4: several partitions', () => {
  it('answers 207 where one of them failed, and tells which records stand', async () => {
    await start({ appends: new Map([[1, full]]) });
    const path = await topic(2);
    const reply = await raw(`${path}/records?answer=records`, both);
    expect(reply.status).toBe(207);
    expect(reply.json.results).toEqual([
      { partition: 0, baseOffset: 0, count: 1, timestamp: expect.any(Number) },
      { partition: 1, status: 507, code: 'storage_full', detail: expect.stringContaining('no space left'), retryable: true, sideEffects: 'none' },
    ]);
    expect(reply.json.records).toEqual([
      { partition: 0, offset: 0 },
      { partition: 1, code: 'storage_full' },
    ]);
    expect((await get(`${path}/records`)).json.records.map(({ value }: { value: string }) => value)).toEqual(['a']);
  });

  it('answers the problem of the first where all failed', async () => {
    await start({
      appends: new Map([
        [0, full],
        [1, full],
      ]),
    });
    const reply = await raw(`${await topic(2)}/records`, both);
    expectProblem(reply, 507, 'storage_full', { retryable: true });
    expect(reply.headers.get('retry-after')).toBe('30');
  });

  it.each([
    [full, lost],
    [lost, full],
  ])('promises nothing for all that is unknown of one', async (first, second) => {
    await start({
      appends: new Map([
        [0, first],
        [1, second],
      ]),
    });
    const reply = await raw(`${await topic(2)}/records`, both);
    expect(reply.json).toMatchObject({ code: 'append_unknown', status: 504, sideEffects: 'unknown' });
  });
});

describe('stores that fail', () => {
  it.each([
    [{ reason: 'unavailable', effect: 'none' }, 503, 'storage_unavailable', 'none'],
    [{ reason: 'unavailable', effect: 'unknown' }, 503, 'storage_unavailable', 'unknown'],
    [{ reason: 'corrupt', effect: 'none' }, 500, 'storage_corrupt', 'none'],
    [{ reason: 'newer', effect: 'none' }, 500, 'unsupported_format', 'none'],
    [new Error('secret'), 500, 'internal', 'unknown'],
  ] as const)('a read that ends with %j is told by name', async (fault, status, code, sideEffects) => {
    const faults: Faults = { appends: new Map() };
    const reports: string[] = [];
    await start(faults, reports);
    const path = await topic();
    await append(path, [1]);
    faults.reads = fault;
    const reply = await get(`${path}/records`, { 'x-request-id': 'request-1' });
    expectProblem(reply, status, code, { sideEffects });
    expect(reply.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
    if (code === 'internal') {
      expect(reply.text).not.toContain('secret');
      expect(reports.join()).toMatch(/request-1.*secret/);
    }
    faults.reads = undefined;
  });
});

describe('I13: bytes in flight', () => {
  it('refuses bodies beyond those that the server holds, before it reads them, and holds none in the end', async () => {
    const bodies = createBodyBudget(1000, 1500);
    home = await serveBroker(await memoryBroker(), { bodies });
    const path = await topic();
    let finish = (): void => {};
    const slow = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(`{"records":[{"value":"${'x'.repeat(800)}`));
        finish = () => {
          controller.enqueue(Buffer.from('"}]}'));
          controller.close();
        };
      },
    });
    const held = send('POST', `${path}/records`, { body: slow, headers: { 'content-type': 'application/json' } });
    while (bodies.inFlight === 0) await new Promise(setImmediate);
    const refused = await raw(`${path}/records`, `{"records":[{"value":"${'y'.repeat(800)}"}]}`);
    expectProblem(refused, 503, 'server_busy', { retryable: true });
    expect(refused.headers.get('retry-after')).toBe('1');
    finish();
    expect((await held).status).toBe(200);
    expect(bodies.inFlight).toBe(0);
    expectProblem(await raw(`${path}/records`, `{"records":[{"value":"${'y'.repeat(1000)}"}]}`), 413, 'body_too_large', { limit: 1000 });
    expect((await get(path)).json.partitions[0].endOffset).toBe(1);
  });
});

describe('I13: bytes of answers in flight', () => {
  const batches = { accept: 'application/vnd.wadi.record-batches' };

  it('refuses fetches beyond those that the server holds, and holds none in the end', async () => {
    const answers = createAnswerBudget(1000);
    home = await serveBroker(await memoryBroker(), { answers });
    const path = `${await topic()}/partitions/0/records`;
    await append(path.slice(0, path.indexOf('/partitions')), ['x'.repeat(500)]);
    for (const accept of [undefined, batches]) expect((await get(path, accept)).status).toBe(200);
    await vi.waitFor(() => expect(answers.inFlight).toBe(0), { interval: 2 });
    answers.inFlight = 600;
    for (const where of [path, path.replace('/partitions/0', '')]) expectProblem(await get(where), 503, 'server_busy', { retryable: true });
    expectProblem(await get(path, batches), 503, 'server_busy');
    expect((await send('HEAD', path)).status).toBe(200);
    expect(answers.inFlight).toBe(600);
  });
});

describe('a store that takes no more writes', () => {
  it('makes the server not ready', async () => {
    home = await serveBroker(await memoryBroker(), { ready: () => false });
    expectProblem(await get('/readyz'), 503, 'storage_unavailable');
    expect((await get('/healthz')).status).toBe(200);
  });
});

describe('a server that stops', () => {
  it('is not ready, ends waits with an empty page, and closes connections after their answer', async () => {
    const served = await serveBroker(await memoryBroker());
    home = served;
    const path = await topic();
    const waiting = get(`${path}/partitions/0/records?waitMs=20000`);
    while (home.waiters?.() === 0) await new Promise(setImmediate);
    served.stop();
    const page = await waiting;
    expect([page.status, page.json.records, page.headers.get('connection')]).toEqual([200, [], 'close']);
    expectProblem(await get('/readyz'), 503, 'shutting_down');
    expect((await get('/healthz')).status).toBe(200);
  });
});

describe('a deletion', () => {
  it('clears away, after its answer, what the topic left', async () => {
    const ledger = memoryLedger();
    home = await serveBroker(await memoryBroker({ ledger }));
    const path = await topic(2);
    await append(path, ['old']);
    const { topicId } = (await send('DELETE', path)).json;
    const left = () => ledger.read([headKey(topicId, 0), headKey(topicId, 1), topicKey(topicId)], { strong: true });
    await vi.waitFor(async () => expect(await left()).toEqual([undefined, undefined, expect.objectContaining({ st: 'deleted' })]), { interval: 2 });
  });
});

describe('work that is due', () => {
  it('is left to a later run where the server stops', async () => {
    const ledger = memoryLedger();
    home = await serveBroker(await memoryBroker({ ledger }), { onWorkLeft: () => {} });
    const topicIds: string[] = [];
    for (let i = 0; i < 3; i++) topicIds.push((await send('DELETE', await topic())).json.topicId);
    let work: DueWork | undefined;
    let stopped: Promise<void> | undefined;
    const write: Ledger['write'] = (given) => {
      stopped ??= work?.stop();
      return ledger.write(given);
    };
    const writeAll: Ledger['writeAll'] = (given) => {
      stopped ??= work?.stop();
      return ledger.writeAll(given);
    };
    work = startDueWork(await memoryBroker({ ledger: { ...ledger, write, writeAll } }));
    await vi.waitFor(() => expect(stopped).toBeDefined(), { interval: 2 });
    await stopped;
    const left = await ledger.read(topicIds.map(topicKey), { strong: true });
    expect(left.filter((item) => item?.['st'] === 'deleting').length).toBeGreaterThanOrEqual(2);
  });
});

describe('a client that goes away', () => {
  it('leaves no waiting fetch behind', async () => {
    home = await serveBroker(await memoryBroker());
    const path = await topic();
    const gone = new AbortController();
    const fetched = Promise.allSettled(['/records', '/partitions/0/records'].map((where) => fetch(`${home.url}${path}${where}?waitMs=20000`, { signal: gone.signal })));
    while (home.waiters?.() !== 2) await new Promise(setImmediate);
    gone.abort();
    await fetched;
    while (home.waiters?.() !== 0) await new Promise(setImmediate);
  });
});
