// Records by lines, both ways: committed as they come, and read to the end that the log had.

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Client, contract, expectProblem, type Reply } from './client.ts';

const ndjson = 'application/x-ndjson';

/** A body that a test writes as it goes, and the answer as it comes. */
async function openStream(client: Client, path: string) {
  let feed!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      feed = controller;
    },
  });
  const response = fetch(`${client.home().url}${path}`, { method: 'POST', headers: { 'content-type': ndjson }, body, duplex: 'half' } as RequestInit);
  return {
    write: (text: string) => feed.enqueue(Buffer.from(text)),
    end: () => feed.close(),
    response,
    lines: async () => linesOf(await (await response).text()),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: answers are judged field by field
const linesOf = (text: string): any[] => {
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
};

contract('lines', (client) => {
  const { get, send, topic } = client;
  const produce = (path: string, body: string, query = ''): Promise<Reply> => send('POST', `${path}/records${query}`, { body, headers: { 'content-type': ndjson } });
  const valuesOf = async (path: string): Promise<unknown[]> => (await get(`${path}/records?limit=10000`)).json.records.map(({ value }: { value: unknown }) => value);
  const endOffset = async (path: string): Promise<number> => (await get(`${path}/partitions/0/records`)).json.endOffset;

  describe('produce', () => {
    it('appends a record a line and says where', async () => {
      const path = await topic(3);
      const reply = await produce(path, '{"key":"a","value":1.10,"partition":2}\n\n  \r\n{"value":12345678901234567890,"partition":2,"headers":[["h","x"]]}\r\n{"value":null,"key":"k","partition":0}');
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toBe(ndjson);
      const lines = linesOf(reply.text);
      expect(lines.at(-1)).toEqual({ done: true, topicId: expect.any(String), acknowledged: 3 });
      const places = lines.slice(0, -1).flatMap(({ results }) => results);
      expect(places.map(({ partition, count }: { partition: number; count: number }) => [partition, count]).sort()).toEqual([
        [0, 1],
        [2, 2],
      ]);
      expect((await get(`${path}/partitions/2/records`)).text).toContain('"value":12345678901234567890,');
    });

    it('as=values: each line is a value, kept as it came', async () => {
      const path = await topic();
      const reply = await produce(path, '1.10\n{ "a" :\t1}\n"x"\nnull\n', '?as=values');
      expect(linesOf(reply.text).at(-1)).toMatchObject({ done: true, acknowledged: 4 });
      const { text } = await get(`${path}/records`);
      for (const value of ['1.10', '{ "a" :\t1}', '"x"', 'null']) expect(text).toContain(`"value":${value},`);
    });

    it('as=value: all lines are one value', async () => {
      const path = await topic();
      expect((await produce(path, '{"a":1}\n{"b":2}\n', '?as=value')).status).toBe(200);
      expect(await valuesOf(path)).toEqual(['{"a":1}\n{"b":2}\n']);
    });

    it.skipIf(client.lambda)('commits lines while the body goes on, and says so before its end', async () => {
      const path = await topic();
      const stream = await openStream(client, `${path}/partitions/0/records`);
      stream.write('{"value":1}\n{"val');
      const reader = ((await stream.response).body as ReadableStream<Uint8Array>).getReader();
      const first = Buffer.from((await reader.read()).value as Uint8Array).toString();
      expect(linesOf(first)[0]).toMatchObject({ results: [{ partition: 0, baseOffset: 0, count: 1 }], acknowledged: 1 });
      expect(await valuesOf(path)).toEqual([1]);
      stream.write('ue":2}\n');
      stream.end();
      let rest = '';
      for (let read = await reader.read(); !read.done; read = await reader.read()) rest += Buffer.from(read.value).toString();
      expect(linesOf(rest).at(-1)).toMatchObject({ done: true, acknowledged: 2 });
      expect(await valuesOf(path)).toEqual([1, 2]);
    });

    it('25,000 lines come in order, over many commits', async () => {
      const path = await topic();
      const values = Array.from({ length: 25_000 }, (_, i) => i);
      const lines = linesOf((await produce(path, values.map((value) => `{"value":${value}}\n`).join(''))).text);
      expect(lines.at(-1)).toMatchObject({ done: true, acknowledged: 25_000 });
      expect(lines.length).toBeGreaterThan(2);
      const seen = linesOf((await send('GET', `${path}/partitions/0/records`, { headers: { accept: ndjson } })).text);
      expect(seen.slice(0, -1).map(({ value }) => value)).toEqual(values);
    });

    it('an empty body appends nothing', async () => {
      const path = await topic();
      expect(linesOf((await produce(path, '')).text)).toEqual([{ done: true, topicId: expect.any(String), acknowledged: 0 }]);
    });

    it.each([
      ['no JSON', 'value', 'invalid_json'],
      ['half a record', '{"value":', 'invalid_json'],
      ['two records on a line', '{"value":1}{"value":2}', 'invalid_json'],
      ['no object', '7', 'invalid_record'],
      ['an unknown member', '{"valeu":1}', 'invalid_record'],
      ['no UTF-8', Buffer.from('{"value":"\xff"}', 'latin1'), 'invalid_utf8'],
      ['a partition that is not there', '{"value":1,"partition":9}', 'partition_not_found'],
      ['a record that is too large', `{"value":"${'x'.repeat(2_000)}"}`, 'record_too_large'],
      ['a time too far ahead', '{"value":1,"timestamp":9000000000000000}', 'invalid_timestamp'],
    ])('a bad line, %s: what stands before it stands, and the line is named', async (_, bad, code) => {
      const path = await topic(1, { 'max.message.bytes': 1_100 });
      const body = Buffer.concat([Buffer.from('{"value":1}\n\n{"value":2}\n'), Buffer.from(bad), Buffer.from('\n{"value":3}\n')]);
      const reply = await send('POST', `${path}/records`, { body, headers: { 'content-type': ndjson } });
      expect(reply.status).toBe(200);
      expect(linesOf(reply.text).at(-1)).toMatchObject({ error: { code, line: 4, sideEffects: 'none', detail: expect.stringMatching(/^Line 4: /) }, acknowledged: 2, unknown: 0 });
      expect(reply.text).not.toContain('records[');
      expect(await valuesOf(path)).toEqual([1, 2]);
    });

    it('a bad first line is a problem like any other, and nothing stands', async () => {
      const path = await topic();
      const reply = await produce(path, '\n{"value":}\n{"value":1}\n');
      expectProblem(reply, 400, 'invalid_json', { line: 2 });
      expect(await endOffset(path)).toBe(0);
    });

    const refusals = [
      ['a topic that is not there', 404, 'topic_not_found', () => produce('/v1/topics/nowhere', '{"value":1}\n')],
      ['answer=records', 400, 'invalid_request', (path: string) => produce(path, '{"value":1}\n', '?answer=records')],
      ['a key in the query', 400, 'invalid_request', (path: string) => produce(path, '{"value":1}\n', '?key=k')],
      [
        'an expected offset',
        400,
        'invalid_request',
        (path: string) => send('POST', `${path}/partitions/0/records`, { body: '{"value":1}\n', headers: { 'content-type': ndjson, 'wadi-expected-offset': '0' } }),
      ],
      ['a partition that is not there', 404, 'partition_not_found', (path: string) => send('POST', `${path}/partitions/7/records`, { body: '{"value":1}\n', headers: { 'content-type': ndjson } })],
      [
        'a compressed body',
        415,
        'unsupported_media_type',
        (path: string) => send('POST', `${path}/records`, { body: gzipSync('{"value":1}\n'), headers: { 'content-type': ndjson, 'content-encoding': 'gzip' } }),
      ],
      ['a foreign page', 403, 'origin_not_allowed', (path: string) => send('POST', `${path}/records`, { body: '{"value":1}\n', headers: { 'content-type': ndjson, origin: 'http://evil.example' } })],
      ['a line beyond the limit', 413, 'body_too_large', (path: string) => produce(path, `{"value":"${'x'.repeat(9 * 2 ** 20)}"}\n`)],
    ] as const;
    it.each(refusals.filter(([what]) => !(client.localstack && what === 'a compressed body')))('%s is refused and leaves nothing', async (_, status, code, request) => {
      const path = await topic();
      expectProblem(await request(path), status, code);
      expect(await endOffset(path)).toBe(0);
    });

    it.skipIf(client.lambda)('goes to one topic, though another takes its name meanwhile', async () => {
      const path = await topic();
      const stream = await openStream(client, `${path}/records`);
      stream.write('{"value":1}\n');
      await stream.response;
      expect((await send('DELETE', path)).status).toBe(200);
      expect((await send('PUT', path, { json: {} })).status).toBe(201);
      stream.write('{"value":2}\n');
      stream.end();
      expect((await stream.lines()).at(-1)).toMatchObject({ error: { code: expect.stringMatching(/^topic_(recreated|not_found)$/) }, acknowledged: 1, unknown: 0 });
      expect(await endOffset(path)).toBe(0);
    });
  });

  describe('fetch', () => {
    const read = (path: string): Promise<Reply> => send('GET', path, { headers: { accept: ndjson } });

    it('answers a record a line and last the position', async () => {
      const path = await topic();
      await client.append(path, [1, { a: 2 }]);
      const reply = await read(`${path}/partitions/0/records`);
      expect(reply.headers.get('content-type')).toBe(ndjson);
      expect(linesOf(reply.text)).toEqual([
        { partition: 0, offset: 0, timestamp: expect.any(Number), key: null, value: 1, headers: [] },
        { partition: 0, offset: 1, timestamp: expect.any(Number), key: null, value: { a: 2 }, headers: [] },
        { topicId: expect.any(String), nextOffset: 2, endOffset: 2, startOffset: 0 },
      ]);
    });

    it('a value with line breaks between its tokens comes in one line, the same value', async () => {
      const path = await topic();
      expect((await client.raw(`${path}/records?as=value`, '{\r\n  "a": "\\n",\n  "b": 1.10\n}')).status).toBe(200);
      const reply = await read(`${path}/partitions/0/records`);
      expect(reply.text).toContain('"value":{    "a": "\\n",   "b": 1.10 },');
      expect(linesOf(reply.text)[0].value).toEqual({ a: '\n', b: 1.1 });
    });

    it('goes on to the end over many pages, from all partitions, and the cursor goes on from there', async () => {
      const path = await topic(3);
      const values = Array.from({ length: 24_000 }, (_, i) => i);
      await produce(path, values.map((value) => `{"value":${value},"partition":${value % 3}}\n`).join(''));
      const lines = linesOf((await read(`${path}/records`)).text);
      const { cursor, partitions } = lines.pop();
      expect(lines.map(({ value }) => value).sort((a, b) => a - b)).toEqual(values);
      expect(partitions.map(({ nextOffset }: { nextOffset: number }) => nextOffset)).toEqual([8000, 8000, 8000]);
      await client.append(path, ['new'], 1);
      expect(linesOf((await read(`${path}/records?cursor=${cursor}`)).text)[0].value).toBe('new');
    });

    it('stops at the limit and at maxBytes, but not before one record', async () => {
      const path = await topic();
      await produce(path, Array.from({ length: 12_000 }, (_, i) => `{"value":${100_000 + i}}\n`).join(''));
      const limited = linesOf((await read(`${path}/partitions/0/records?limit=11000`)).text);
      expect([limited.length, limited.at(-1).nextOffset]).toEqual([11_001, 11_000]);
      const bounded = linesOf((await read(`${path}/partitions/0/records?maxBytes=20`)).text);
      expect([bounded.length, bounded.at(-1).nextOffset]).toEqual([4, 3]);
      expect(linesOf((await read(`${path}/partitions/0/records?maxBytes=1`)).text)).toHaveLength(2);
    });

    it('from=latest waits for the first and ends', async () => {
      const path = await topic();
      const reply = read(`${path}/partitions/0/records?from=latest&waitMs=20000`);
      let answered = false;
      void reply.finally(() => {
        answered = true;
      });
      if (client.home().waiters !== undefined) await expect.poll(() => client.home().waiters?.()).toBeGreaterThan(0);
      // Where nobody tells that it waits, the first may come before it does.
      do await client.append(path, ['x']);
      while (!answered && client.home().waiters === undefined);
      const values = linesOf((await reply).text).map(({ value }) => value);
      expect(values.at(-1)).toBeUndefined();
      expect(new Set(values.slice(0, -1))).toEqual(new Set(['x']));
      if (client.home().waiters !== undefined) expect(values).toHaveLength(2);
    });

    it.each([
      ['a topic that is not there', '/v1/topics/nowhere/records', 404, 'topic_not_found'],
      ['an offset beyond the end', '/partitions/0/records?offset=9', 416, 'offset_out_of_range'],
      ['a cursor that is none', '/records?cursor=x', 400, 'invalid_cursor'],
    ])('%s is a problem', async (_, path, status, code) => {
      expectProblem(await read(path.startsWith('/v1') ? path : `${await topic()}${path}`), status, code);
    });

    it('HEAD has the head alone', async () => {
      const path = await topic();
      await client.append(path, [1]);
      const reply = await send('HEAD', `${path}/partitions/0/records`, { headers: { accept: ndjson } });
      expect([reply.status, reply.headers.get('content-type'), reply.text]).toEqual([200, ndjson, '']);
    });
  });
});
