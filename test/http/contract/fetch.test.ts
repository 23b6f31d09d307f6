import { expect, it, vi } from 'vitest';
import { decodeBatches } from '../../support/record-batch.ts';
import { contract, expectProblem } from './client.ts';

const batchesType = 'application/vnd.wadi.record-batches';

type Record = { readonly partition: number; readonly offset: number; readonly value: unknown };
const values = (page: { records: Record[] }) => page.records.map(({ value }) => value);

contract('fetch', ({ get, send, raw, topic, append, home }) => {
  /** Sends the request and answers once the server holds it back. */
  async function waiting(path: string): Promise<{ reply: ReturnType<typeof get> }> {
    const before = (await home().waiters?.()) ?? 0;
    const reply = get(path);
    if (home().waiters !== undefined) await vi.waitFor(async () => expect(await home().waiters?.()).toBe(before + 1), { interval: 2 });
    return { reply };
  }

  it('begins where it is told to', async () => {
    const path = `${await topic()}/partitions/0/records`;
    const stamped = [10, 20, 30, 25].map((timestamp, i) => ({ value: i, timestamp }));
    expect((await send('POST', path, { json: { records: stamped } })).status).toBe(200);
    const from = async (query: string) => values((await get(`${path}?${query}`)).json);
    expect(await from('')).toEqual([0, 1, 2, 3]);
    expect(await from('from=earliest')).toEqual([0, 1, 2, 3]);
    expect(await from('offset=2')).toEqual([2, 3]);
    expect(await from('offset=4')).toEqual([]);
    expect(await from('from=latest')).toEqual([]);
    expect(await from('from=end-1')).toEqual([3]);
    expect(await from('from=end-99')).toEqual([0, 1, 2, 3]);
    expect(await from('timestamp=0')).toEqual(await from('from=earliest'));
    expect(await from('timestamp=11')).toEqual([1, 2, 3]);
    expect(await from('timestamp=30')).toEqual([2, 3]);
    expect(await from('timestamp=31')).toEqual([]);
    expect((await get(`${path}?from=latest`)).json).toMatchObject({ nextOffset: 4, startOffset: 0, endOffset: 4 });
  });

  it('I7: pages of any size lead through the log without a gap or a repeat', async () => {
    const path = `${await topic()}/partitions/0/records`;
    for (let i = 0; i < 5; i++)
      await append(
        path.replace('/partitions/0/records', ''),
        Array.from({ length: 7 }, (_, j) => `${i}-${j}-${'x'.repeat(50)}`),
      );
    for (const size of ['limit=1', 'limit=3', 'limit=10000', 'maxBytes=1', 'maxBytes=200', 'limit=4&maxBytes=100']) {
      const offsets: number[] = [];
      for (let offset = 0; ; ) {
        const page = (await get(`${path}?offset=${offset}&${size}`)).json;
        if (page.records.length === 0) break;
        if (size === 'limit=3') expect(page.records.length).toBeLessThanOrEqual(3);
        if (size === 'maxBytes=1') expect(page.records).toHaveLength(1);
        offsets.push(...page.records.map((record: Record) => record.offset));
        offset = page.nextOffset;
      }
      expect(offsets).toEqual(Array.from({ length: 35 }, (_, i) => i));
    }
  });

  it('tells both sides of a log where an offset lies outside', async () => {
    const path = await topic();
    await append(path, [1]);
    expectProblem(await get(`${path}/partitions/0/records?offset=2`), 416, 'offset_out_of_range', { offset: 2, startOffset: 0, endOffset: 1 });
    expectProblem(await get(`${path}/partitions/0/records?offset=2`, { accept: batchesType }), 416, 'offset_out_of_range');
    expectProblem(await get(`${path}/partitions/1/records`), 404, 'partition_not_found', { partitions: 1 });
    expectProblem(await get('/v1/topics/nowhere/records'), 404, 'topic_not_found');
  });

  it.each([
    'offset=-1',
    'offset=+1',
    'offset=1e3',
    'offset=01',
    'offset=',
    'offset=9007199254740992',
    'offset=1&offset=2',
    'offset=0&from=latest',
    'from=end',
    'from=end--1',
    'from=middle',
    'timestamp=now',
    'limit=0',
    'limit=10001',
    'maxBytes=0',
    'maxBytes=8388609',
    'waitMs=30001',
    'encoding=hex',
    'cursor=x',
    'offset=%zz',
    'Offset=1',
    '=1',
  ])('refuses ?%s by name', async (query) => {
    expectProblem(await get(`${await topic()}/partitions/0/records?${query}`), 400, 'invalid_request');
  });

  it('answers in the form that is asked for', async () => {
    const path = `${await topic()}/partitions/0/records`;
    const typeFor = async (accept: string, at = path) => {
      const reply = await get(at, { accept });
      return reply.status === 200 ? reply.headers.get('content-type') : `${reply.status} ${reply.json.code}`;
    };
    for (const accept of ['*/*', 'application/*', 'application/json', 'text/html, */*;q=0.1', `${batchesType};q=0.5, application/json`, 'APPLICATION/JSON; charset=utf-8'])
      expect(await typeFor(accept)).toBe('application/json');
    for (const accept of [batchesType, `application/json;q=0.5, ${batchesType}`]) expect(await typeFor(accept)).toBe(batchesType);
    for (const accept of ['text/html', 'application/xml', 'application/json;q=0', '']) expect(await typeFor(accept)).toBe('406 not_acceptable');
    for (const accept of ['application/x-ndjson', 'application/x-ndjson, application/json']) expect(await typeFor(accept)).toBe('application/x-ndjson');
    expect(await typeFor(batchesType, path.replace('/partitions/0', ''))).toBe('406 not_acceptable');
  });

  it('answers record batches whole, with the positions in headers', async () => {
    const path = await topic();
    await append(path, [0, 1, 2]);
    await append(path, [3]);
    const reply = await get(`${path}/partitions/0/records?offset=1&limit=1`, { accept: batchesType });
    expect(decodeBatches(reply.bytes).map(({ offset }) => offset)).toEqual([0, 1, 2]);
    const { topicId } = (await get(path)).json;
    const positions = ['topic-id', 'fetch-offset', 'next-offset', 'start-offset', 'end-offset'].map((name) => reply.headers.get(`wadi-${name}`));
    expect(positions).toEqual([topicId, '1', '3', '0', '4']);
    const end = await get(`${path}/partitions/0/records?from=latest`, { accept: batchesType });
    expect([end.status, end.bytes.length, end.headers.get('wadi-next-offset')]).toEqual([200, 0, '4']);
    expectProblem(await get(`${path}/partitions/0/records?encoding=base64`, { accept: batchesType }), 400, 'invalid_request');
  });

  it.each(['/partitions/0/records?offset=0', '/partitions/0/records?from=latest', '/records?from=latest', '/records?timestamp=1'])(
    'a fetch that waits at %s is answered by the next append',
    async (query) => {
      const path = await topic(2);
      const { reply } = await waiting(`${path}${query}&waitMs=20000`);
      await append(path, ['news']);
      expect(values((await reply).json)).toEqual(['news']);
    },
  );

  it('a wait that is over is an empty page, and no wait is none', async () => {
    const path = await topic();
    const reply = await get(`${path}/partitions/0/records?waitMs=1`);
    expect([reply.status, reply.json.records, reply.json.nextOffset]).toEqual([200, [], 0]);
    expect((await get(`${path}/records`)).json.records).toEqual([]);
  });

  it('a deleted topic wakes those who wait for it', async () => {
    const path = await topic();
    const { reply } = await waiting(`${path}/partitions/0/records?waitMs=20000`);
    await send('DELETE', path);
    expectProblem(await reply, 404, 'topic_not_found');
  });

  it('I7: a cursor leads through all partitions, also through those that come later', async () => {
    const path = await topic(3);
    const sent: string[] = [];
    const seen: string[] = [];
    let query = 'from=earliest';
    for (let round = 0; round < 12; round++) {
      if (round === 5) await send('PATCH', path, { json: { partitions: 5 } });
      const partitions = round < 5 ? 3 : 5;
      const records = Array.from({ length: 8 }, (_, i) => ({ value: `${round}-${i}`, partition: i % partitions }));
      sent.push(...records.map(({ value }) => value));
      expect((await send('POST', `${path}/records`, { json: { records } })).status).toBe(200);
      const page = (await get(`${path}/records?${query}&limit=5`)).json;
      expect(page.records.length).toBeLessThanOrEqual(5);
      seen.push(...(values(page) as string[]));
      query = `cursor=${page.cursor}`;
    }
    for (;;) {
      const page = (await get(`${path}/records?${query}&limit=5&waitMs=100`)).json;
      if (page.records.length === 0) {
        // Another server knows of the new partitions a little later.
        query = `cursor=${page.cursor}`;
        if (page.partitions.length < 5) continue;
        expect(page.partitions.map(({ nextOffset, endOffset }: { nextOffset: number; endOffset: number }) => endOffset - nextOffset)).toEqual([0, 0, 0, 0, 0]);
        break;
      }
      seen.push(...(values(page) as string[]));
      query = `cursor=${page.cursor}`;
    }
    expect(seen.toSorted()).toEqual(sent.toSorted());
  });

  it('knows a cursor of another topic under this name, and one that is none', async () => {
    const path = await topic(1);
    const { cursor } = (await get(`${path}/records`)).json;
    await send('DELETE', path);
    const { topicId } = (await send('PUT', path)).json;
    expectProblem(await get(`${path}/records?cursor=${cursor}`), 410, 'topic_recreated', { topicId });
    for (const wrong of ['', 'x', `${cursor}AA`, 'AAAA']) expectProblem(await get(`${path}/records?cursor=${wrong}`), 400, 'invalid_cursor');
    expectProblem(await get(`${path}/records?cursor=${cursor}&from=latest`), 400, 'invalid_request');
    expectProblem(await get(`${path}/records?offset=1`), 400, 'invalid_request');
  });

  it('finds offsets in every partition', async () => {
    const path = await topic(2);
    await raw(`${path}/partitions/1/records`, '{"records":[{"value":1,"timestamp":10},{"value":2,"timestamp":20}]}');
    const offsets = async (query: string) => (await get(`${path}/offsets${query}`)).json.offsets.map(({ offset }: { offset: number }) => offset);
    expect(await offsets('')).toEqual([0, 2]);
    expect(await offsets('?at=latest')).toEqual([0, 2]);
    expect(await offsets('?at=earliest')).toEqual([0, 0]);
    expect(await offsets('?timestamp=11')).toEqual([0, 1]);
    expect(await offsets('?timestamp=21')).toEqual([0, 2]);
    expect(await offsets('?timestamp=0')).toEqual([0, 0]);
    expect((await get(`${path}/offsets`)).json.offsets[1]).toEqual({ partition: 1, offset: 2, startOffset: 0, endOffset: 2 });
    expectProblem(await get(`${path}/offsets?at=latest&timestamp=1`), 400, 'invalid_request');
  });
});
