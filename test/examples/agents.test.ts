// The files of examples/agents: curl.sh runs; of the others the request is made that the agent's documentation and
// source describe for such a configuration (addresses in examples/agents/README.md).

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf } from '../http/contract/client.ts';
import { type Home, memoryBroker, serveBroker } from '../http/contract/homes.ts';

const read = (name: string): string => readFileSync(new URL(`../../examples/agents/${name}`, import.meta.url), 'utf8');
const uncommented = (text: string): string => text.replaceAll(/^\s*#.*$/gm, '');
const find = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? expect.fail(`no ${pattern}`);

type Made = { readonly url: string; readonly method: string; readonly headers: Record<string, string>; body(events: readonly object[]): string };

/** What each agent does with its file. */
const agents: Record<string, () => Made & { readonly valuesOf: (events: readonly object[]) => unknown[] }> = {
  telegraf() {
    const text = uncommented(read('telegraf.conf'));
    expect(find(text, /data_format = "(\w+)"/)).toBe('json');
    expect(find(text, /use_batch_format = (\w+)/)).toBe('true');
    expect(find(text, /content_encoding = "(\w+)"/)).toBe('identity');
    const headers = { 'content-type': find(text, /Content-Type = "([^"]+)"/), 'user-agent': 'Telegraf' };
    const batch = (events: readonly object[]) => ({ metrics: events.map((fields) => ({ fields, name: 'cpu', tags: {}, timestamp: 1_700_000_000 })) });
    return { url: find(text, /url = "([^"]+)"/), method: find(text, /method = "(\w+)"/), headers, body: (events) => JSON.stringify(batch(events)), valuesOf: (events) => [batch(events)] };
  },
  vector() {
    const text = uncommented(read('vector.yaml'));
    expect(find(text, /codec: (\w+)/)).toBe('json');
    expect(find(text, /compression: (\w+)/)).toBe('none');
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

it.skipIf(spawnSync('curl', ['--version']).status !== 0)('curl.sh sends a line a record, and prints what stands', async () => {
  expect((await client.send('PUT', '/v1/topics/curl', { json: { partitions: 3 } })).status).toBe(201);
  const run = async (url: string) => {
    const child = spawn('sh', [new URL('../../examples/agents/curl.sh', import.meta.url).pathname], { env: { ...process.env, WADI_URL: url }, stdio: ['pipe', 'pipe', 'ignore'] });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (printed += part));
    child.stdin.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const [code] = await once(child, 'close');
    return { code, printed };
  };
  expect(await run(home.url)).toMatchObject({ code: 0, printed: expect.stringContaining('"done":true') });
  const values = (await client.get('/v1/topics/curl/records')).json.records.map(({ value }: { value: unknown }) => JSON.stringify(value));
  expect(values.sort()).toEqual(events.map((event) => JSON.stringify(event)).sort());
  await client.send('DELETE', '/v1/topics/curl');
  expect(await run(home.url)).toMatchObject({ code: 22, printed: expect.stringContaining('topic_not_found') });
});
