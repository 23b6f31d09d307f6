import { expect, it } from 'vitest';
import { contract, expectProblem } from './client.ts';

contract('topics', ({ get, send, topic, append, mendsText, localstack }) => {
  it('creates once; the same again stands, with other settings it is refused', async () => {
    const first = await send('PUT', '/v1/topics/orders', { json: { partitions: 3, config: { 'retention.ms': 1000 } } });
    expect(first.status).toBe(201);
    expect(first.json).toMatchObject({ name: 'orders', partitions: 3, config: { 'retention.ms': 1000, 'compression.type': 'none' } });
    expect(first.json.topicId).toMatch(/^[A-Za-z0-9_-]{22}$/);
    const again = await send('PUT', '/v1/topics/orders', { json: { partitions: 3, config: { 'retention.ms': 1000 } } });
    expect([again.status, again.json.topicId]).toEqual([200, first.json.topicId]);
    expectProblem(await send('PUT', '/v1/topics/orders', { json: { partitions: 4 } }), 409, 'topic_exists', { partitions: 3 });
  });

  it('takes no body for all defaults, and a percent-encoded name', async () => {
    expect((await send('PUT', '/v1/topics/d%65fault.s_-1')).json).toMatchObject({ name: 'default.s_-1', partitions: 1 });
  });

  it.each(['a b', 'ä', 'a/b', 'a%', 'x'.repeat(250), '...%2F'])('refuses the name %s', async (name) => {
    expectProblem(await send('PUT', `/v1/topics/${encodeURIComponent(name)}`), 400, 'invalid_topic_name');
    expectProblem(await get(`/v1/topics/${encodeURIComponent(name)}`), 400, 'invalid_topic_name');
  });

  it.each([
    [{ partitions: 0 }, 'invalid_partitions'],
    [{ partitions: 257 }, 'invalid_partitions'],
    [{ partitions: 1.5 }, 'invalid_partitions'],
    [{ partitions: '3' }, 'invalid_request'],
    [{ partition: 3 }, 'invalid_request'],
    [[], 'invalid_request'],
    [{ config: { 'retention.s': 1 } }, 'invalid_config'],
    [{ config: { 'retention.ms': 'long' } }, 'invalid_config'],
    [{ config: 'none' }, 'invalid_request'],
  ])('refuses %j', async (json, code) => {
    expectProblem(await send('PUT', '/v1/topics/refused', { json }), 400, code);
    expectProblem(await get('/v1/topics/refused'), 404, 'topic_not_found');
  });

  it('refuses bodies that are no JSON', async () => {
    const put = (body: string | Uint8Array, type = 'application/json') => send('PUT', '/v1/topics/refused', { body, headers: { 'content-type': type } });
    expectProblem(await put('{"partitions":'), 400, 'invalid_json');
    const noUtf8 = await put(Buffer.from([0x22, 0xff, 0x22]));
    // Lambda makes U+FFFD of it.
    expectProblem(noUtf8, 400, mendsText ? 'invalid_request' : 'invalid_utf8');
    expectProblem(await put('{}', 'application/json; charset=latin1'), 415, 'unsupported_media_type');
  });

  it.skipIf(localstack)('refuses a form, and says how to mend the command', async () => {
    const curl = await send('PUT', '/v1/topics/refused', { body: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    expectProblem(curl, 415, 'unsupported_media_type');
    expect(curl.json.detail).toContain('curl --json');
  });

  it('lists in order of name, page by page', async () => {
    for (const name of ['list-b', 'list-a', 'list-c']) await send('PUT', `/v1/topics/${name}`);
    const first = (await get('/v1/topics?after=list-&limit=2')).json;
    expect(first.topics.map(({ name }: { name: string }) => name)).toEqual(['list-a', 'list-b']);
    const second = (await get(`/v1/topics?after=${first.next}&limit=1`)).json;
    expect(second.topics.map(({ name }: { name: string }) => name)).toEqual(['list-c']);
    expectProblem(await get('/v1/topics?limit=1001'), 400, 'invalid_request');
  });

  it('describes what each partition holds', async () => {
    const path = await topic(2);
    await append(path, ['one', 'two'], 1);
    const { partitions } = (await get(path)).json;
    expect(partitions[0]).toEqual({ partition: 0, startOffset: 0, endOffset: 0, bytes: 0, objects: 0 });
    expect(partitions[1]).toMatchObject({ partition: 1, startOffset: 0, endOffset: 2, objects: 1 });
    expect(partitions[1].bytes).toBeGreaterThan(60);
  });

  it('grows, says what that means for keys, and does not shrink', async () => {
    const path = await topic(2);
    const grown = await send('PATCH', path, { json: { partitions: 4, config: { 'retention.bytes': 5 } } });
    expect(grown.json).toMatchObject({ partitions: 4, config: { 'retention.bytes': 5 } });
    expect(grown.json.note).toContain('another partition');
    expect((await send('PATCH', path, { json: { partitions: 4 } })).json).not.toHaveProperty('note');
    expectProblem(await send('PATCH', path, { json: { partitions: 3 } }), 400, 'invalid_partitions', { partitions: 4 });
    expectProblem(await send('PATCH', '/v1/topics/nowhere', { json: { partitions: 3 } }), 404, 'topic_not_found');
    expect(await append(path, ['new'], 3)).toBe(0);
  });

  it('deletes: nothing can be appended any more, and the name begins anew', async () => {
    const path = await topic(2);
    await append(path, ['old']);
    const { topicId } = (await get(path)).json;
    expect((await send('DELETE', path)).json).toEqual({ name: path.split('/').at(-1), topicId });
    expectProblem(await send('DELETE', path), 404, 'topic_not_found');
    expectProblem(await send('POST', `${path}/records`, { json: { records: [{ value: 1 }] } }), 404, 'topic_not_found');
    const again = await send('PUT', path, { json: { partitions: 1 } });
    expect(again.status).toBe(201);
    expect(again.json.topicId).not.toBe(topicId);
    expect((await get(`${path}/partitions/0/records`)).json).toMatchObject({ records: [], endOffset: 0 });
    expectProblem(await get(`${path}/partitions/0/records?topicId=${topicId}`), 410, 'topic_recreated', { topicId: again.json.topicId });
  });
});
