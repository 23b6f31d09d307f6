// The agents of examples/agents that cannot be installed here: of each the request is made that its documentation and
// source describe for such a configuration (addresses in examples/agents/README.md). test/agents runs the others.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statuses } from '../../src/http/problems.ts';
import { errorsOf } from '../../src/http/route-errors.ts';
import { builtRoutes } from '../../src/http/routes.ts';
import { errorTable } from '../../src/record/errors.ts';
import { limits } from '../../src/record/limits.ts';
import { clientOf } from '../http/contract/client.ts';
import { type Home, memoryBroker, serveBroker } from '../http/contract/homes.ts';

const read = (name: string): string => readFileSync(new URL(`../../examples/agents/${name}`, import.meta.url), 'utf8');
const uncommented = (text: string): string => text.replaceAll(/^\s*#.*$/gm, '');
const find = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? expect.fail(`no ${pattern}`);

type Made = { readonly url: string; readonly method: string; readonly headers: Record<string, string>; body(events: readonly object[]): string };

/** What each agent does with its file. */
const agents: Record<string, () => Made & { readonly valuesOf: (events: readonly object[]) => unknown[] }> = {
  vector() {
    const text = uncommented(read('vector.yaml'));
    expect(find(text, /codec: (\w+)/)).toBe('json');
    expect(find(text, /compression: (\w+)/)).toBe('none');
    expect(Number(find(text, /max_events: (\d+)/))).toBe(limits.maxRecordsPerRequest);
    expect(Number(find(text, /max_bytes: (\d+)/))).toBeLessThan(limits.maxBodyBytes);
    expect(text).not.toMatch(/framing/);
    return {
      url: find(text, /uri: (\S+)/),
      method: find(text, /method: (\w+)/),
      headers: { 'content-type': 'application/json' },
      body: (events) => JSON.stringify(events),
      valuesOf: (events) => [...events],
    };
  },
  'fluent-bit'() {
    const text = uncommented(read('fluent-bit.conf'));
    expect(find(text, /format +(\w+)\n/)).toBe('json');
    expect(text).not.toMatch(/compress/);
    const url = `http://${find(text, /host +(\S+)/)}:${find(text, /port +(\S+)/)}${find(text, /uri +(\S+)/)}`;
    return { url, method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': 'Fluent-Bit' }, body: (events) => JSON.stringify(events), valuesOf: (events) => [...events] };
  },
  logstash() {
    const text = uncommented(read('logstash.conf'));
    expect(find(text, /format => "(\w+)"/)).toBe('json_batch');
    expect(find(text, /http_compression => (\w+)/)).toBe('false');
    // An array is dropped after what is not among them.
    const repeated = find(text, /retryable_codes => \[([^\]]+)\]/)
      .split(', ')
      .map(Number);
    const produce = builtRoutes.find(({ operation }) => operation === 'appendToPartition') ?? expect.fail('no such route');
    const mendable = errorsOf(produce).filter((code) => errorTable[code].retryable);
    expect(mendable).toContain('append_unknown');
    expect(repeated).toEqual(expect.arrayContaining([...mendable.map((code) => statuses[code]), 401, 403, 404]));
    for (const lasting of [400, 413, 415]) expect(repeated).not.toContain(lasting);
    return {
      url: find(text, /url => "([^"]+)"/),
      method: find(text, /http_method => "(\w+)"/),
      headers: { 'content-type': find(text, /content_type => "([^"]+)"/) },
      body: (events) => JSON.stringify(events),
      valuesOf: (events) => [...events],
    };
  },
};

let home: Home;
beforeAll(async () => {
  home = await serveBroker(await memoryBroker());
});
afterAll(() => home.close());
const client = clientOf(() => home);

const events = [{ message: 'one', at: 1.1 }, { message: 'zwei “2”' }, { nested: { a: [1, null] } }];

describe.each(Object.keys(agents))('%s', (name) => {
  const made = () => (agents[name] as () => ReturnType<NonNullable<(typeof agents)[string]>>)();
  const send = ({ url, method, headers }: Made, body: string | Uint8Array, more: Record<string, string> = {}) => {
    const { origin, pathname, search } = new URL(url);
    // The address that the README starts a server on.
    expect(origin).toBe('http://127.0.0.1:8080');
    return client.send(method.toUpperCase(), pathname + search, { body, headers: { ...headers, ...more } });
  };

  it('is told that there is no topic, by a status that is no success', async () => {
    expect((await send(made(), made().body(events))).status).toBe(404);
  });

  it('brings each event, as it is', async () => {
    const request = made();
    const topic = new URL(request.url).pathname.split('/').slice(0, 4).join('/');
    expect((await client.send('PUT', topic, { json: { partitions: 1 } })).status).toBe(201);
    expect((await send(request, request.body(events))).status).toBe(200);
    expect((await client.get(`${topic}/records`)).json.records.map(({ value }: { value: unknown }) => value)).toEqual(request.valuesOf(events));
  });

  it('is refused with 415 if it compresses, and with 400 where its body is no array of JSON', async () => {
    expect((await send(made(), new Uint8Array(gzipSync(made().body(events))), { 'content-encoding': 'gzip' })).status).toBe(415);
    // As one value, anything is taken.
    if (made().url.endsWith('as=values')) expect((await send(made(), '{')).status).toBe(400);
  });
});
