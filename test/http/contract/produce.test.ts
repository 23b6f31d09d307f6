import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeBatches, encodeBatch } from '../../support/record-batch.ts';
import { type Client, contract, expectProblem, type Reply } from './client.ts';

const batches = { 'content-type': 'application/vnd.wadi.record-batches' };
const batchOf = (values: readonly string[], timestamp = 1_700_000_000_000) =>
  encodeBatch(
    values.map((value) => ({ key: Buffer.from('k'), value: Buffer.from(value) })),
    timestamp,
  );

contract('produce', (client) => {
  const { get, send, raw, topic } = client;
  const page = async (path: string, query = '') => (await get(`${path}/partitions/0/records${query}`)).json;

  it.each(['12345678901234567890', '1.10', '-0', '1e400', '{ "a" :\t[ 1 , 2 ] }', '{"a":1,"a":2}', '"\\u00e9é\\/"', '"😀"', '""', 'false', '[[[]]]'])(
    'keeps the value %s as it came',
    async (value) => {
      const path = await topic();
      expect((await raw(`${path}/records`, `{"records":[{"value":  ${value}  }]}`)).status).toBe(200);
      expect((await raw(`${path}/records?as=values`, `[ ${value} ,1]`)).status).toBe(200);
      expect((await raw(`${path}/records?as=value`, value)).status).toBe(200);
      const { text } = await get(`${path}/records`);
      expect(text.split(`"value":${value},`)).toHaveLength(4);
    },
  );

  it('keeps keys, headers, timestamps and text as they came', async () => {
    const path = await topic();
    const record = {
      key: 'schlüssel',
      value: 'text {',
      valueEncoding: 'text',
      headers: [
        ['a', '1'],
        ['a', '2'],
      ],
      timestamp: 1_700_000_000_001,
    };
    expect((await send('POST', `${path}/records`, { json: { records: [record] } })).json.results).toEqual([{ partition: 0, baseOffset: 0, count: 1, timestamp: record.timestamp }]);
    expect((await page(path)).records).toEqual([{ partition: 0, offset: 0, ...record }]);
  });

  it('keeps bytes as base64, and null as a tombstone', async () => {
    const path = await topic();
    const bytes = Buffer.from([0xff, 0, 0xfe]).toString('base64');
    await send('POST', `${path}/records`, {
      json: { records: [{ key: bytes, keyEncoding: 'base64', value: bytes, valueEncoding: 'base64' }, { key: 'gone', value: null }, { key: 'gone' }, { value: 'null', valueEncoding: 'text' }] },
    });
    const { records } = await page(path);
    expect(records[0]).toMatchObject({ key: bytes, keyEncoding: 'base64', value: bytes, valueEncoding: 'base64' });
    expect(records.slice(1).map(({ value }: { value: unknown }) => value)).toEqual([null, null, 'null']);
    expect(records[3].valueEncoding).toBe('text');
    expect((await page(path, '?offset=3&encoding=base64')).records[0]).toMatchObject({ value: Buffer.from('null').toString('base64'), valueEncoding: 'base64' });
  });

  it('as=value takes any content type, with a key in the query', async () => {
    const path = await topic();
    const post = (query: string, body: string, type: string) => send('POST', `${path}/partitions/0/records?as=value${query}`, { body, headers: { 'content-type': type } });
    await post('&key=a%20b%2B+c', 'plain text', 'text/plain');
    await post('', 'a=1', 'application/x-www-form-urlencoded');
    await post('', '{"a": 1}', 'application/cloudevents+json');
    const { records } = await page(path);
    expect(records[0]).toMatchObject({ key: 'a b+ c', value: 'plain text', valueEncoding: 'text' });
    expect(records[1]).toMatchObject({ key: null, value: 'a=1' });
    expect(records[2]).toMatchObject({ value: { a: 1 } });
    expectProblem(await post('&key=%ff', 'x', 'text/plain'), 400, 'invalid_request');
  });

  it('I6: records of one key go to one partition, those with a partition there, and the answer tells each place', async () => {
    const path = await topic(4);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'a', 'b'];
    const reply = (await send('POST', `${path}/records?answer=records`, { json: { records: [...keys.map((key) => ({ key, value: key })), { value: 'here', partition: 3 }] } })).json;
    expect(reply.records).toHaveLength(9);
    expect(reply.records[6].partition).toBe(reply.records[0].partition);
    expect(reply.records[8].partition).toBe(3);
    for (const [i, { partition, offset }] of reply.records.entries()) {
      const record = (await get(`${path}/partitions/${partition}/records?offset=${offset}&limit=1`)).json.records[0];
      expect([record.offset, record.value]).toEqual([offset, i === 8 ? 'here' : keys[i]]);
    }
    expect(reply.results.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(9);
  });

  it('takes record batches as they are, and gives them back with their offsets', async () => {
    const path = `${await topic()}/partitions/0/records`;
    const body = Buffer.concat([batchOf(['1', '2']), batchOf(['3'])]);
    expect((await send('POST', path, { body, headers: batches })).json.results).toEqual([{ partition: 0, baseOffset: 0, count: 3, timestamp: 1_700_000_000_000 }]);
    await send('POST', path, { body: batchOf(['4']), headers: batches });
    const reply = await get(`${path}?offset=1`, { accept: batches['content-type'] });
    expect(decodeBatches(reply.bytes).map(({ offset, value }) => `${offset}=${value}`)).toEqual(['0=1', '1=2', '2=3', '3=4']);
    const untouched = Buffer.from(reply.bytes.subarray(0, body.length));
    untouched.fill(0, 0, 8);
    untouched.fill(0, batchOf(['1', '2']).length, batchOf(['1', '2']).length + 8);
    expect(untouched.equals(body)).toBe(true);
    expect((await page(path.replace('/partitions/0/records', ''))).records[2]).toMatchObject({ offset: 2, key: 'k', value: 3 });
  });

  describe('I4: what is refused leaves nothing', () => {
    const refusals: readonly (readonly [what: string, status: number, code: string, (path: string, client: Client) => Promise<Reply>])[] = [
      ['no records', 400, 'invalid_request', (path) => raw(path, '{"records":[]}')],
      ['no JSON', 400, 'invalid_json', (path) => raw(path, '{"records":[{"value":1},]}')],
      ['no body', 400, 'invalid_json', (path) => raw(path, '')],
      [
        'no UTF-8',
        400,
        'invalid_utf8',
        (path) => send('POST', path, { body: Buffer.concat([Buffer.from('{"records":[{"value":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}]}')]), headers: { 'content-type': 'application/json' } }),
      ],
      ['too deep', 400, 'json_too_deep', (path) => raw(path, `{"records":[{"value":1},{"value":${'['.repeat(200)}${']'.repeat(200)}}]}`)],
      ['too many', 413, 'too_many_records', (path) => raw(`${path}?as=values`, `[${'1,'.repeat(10_000)}1]`)],
      ['an unknown member', 400, 'invalid_record', (path) => raw(path, '{"records":[{"value":1},{"valu":2}]}')],
      ['a timestamp of tomorrow', 400, 'invalid_timestamp', (path) => raw(path, `{"records":[{"value":1},{"value":2,"timestamp":${Date.now() + 2 * 86_400_000}}]}`)],
      ['another partition than that of the path', 400, 'invalid_record', (path) => raw(path, '{"records":[{"value":1},{"value":2,"partition":1}]}')],
      ['a record beyond max.message.bytes', 413, 'record_too_large', (path) => raw(path, `{"records":[{"value":1},{"value":"${'x'.repeat(2_000)}"}]}`)],
      ['a body beyond the limit', 413, 'body_too_large', (path) => raw(path, `{"records":[{"value":"${'x'.repeat(8 * 2 ** 20)}"}]}`)],
      ['form data', 415, 'unsupported_media_type', (path) => send('POST', path, { body: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } })],
      [
        'a compressed body',
        415,
        'unsupported_media_type',
        (path) => send('POST', `${path}?as=value`, { body: gzipSync('1'), headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }),
      ],
      ['text with as=values', 415, 'unsupported_media_type', (path) => send('POST', `${path}?as=values`, { body: '[1]', headers: { 'content-type': 'text/plain' } })],
      ['a damaged batch', 400, 'corrupt_batch', (path) => send('POST', path, { body: Buffer.concat([batchOf(['1']), damaged()]), headers: batches })],
      ['half a batch', 400, 'invalid_batch', (path) => send('POST', path, { body: batchOf(['1']).subarray(0, -3), headers: batches })],
      ['answer=records for batches', 400, 'invalid_request', (path) => send('POST', `${path}?answer=records`, { body: batchOf(['1']), headers: batches })],
      ['an unknown parameter', 400, 'invalid_request', (path) => raw(`${path}?ass=value`, '1')],
      ['a key for many', 400, 'invalid_request', (path) => raw(`${path}?key=k`, '{"records":[{"value":1}]}')],
      ['an expected offset that is none', 400, 'invalid_request', (path) => raw(path, '{"records":[{"value":1}]}', { 'wadi-expected-offset': '1e0' })],
    ];
    it.each(refusals.filter(([what]) => !((client.mendsText && what === 'no UTF-8') || (client.localstack && what === 'a compressed body'))))('%s: %i %s', async (_, status, code, attempt) => {
      const path = await topic(2, { 'max.message.bytes': 1024 });
      expectProblem(await attempt(`${path}/partitions/0/records`, client), status, code);
      expect((await page(path)).endOffset).toBe(0);
    });
  });

  it.runIf(client.mendsText)('what is no UTF-8 in a body of text comes as U+FFFD', async () => {
    const path = await topic();
    expect(
      (await send('POST', `${path}/records`, { body: Buffer.from([...Buffer.from('{"records":[{"value":"'), 0xc3, 0x28, ...Buffer.from('"}]}')]), headers: { 'content-type': 'application/json' } }))
        .status,
    ).toBe(200);
    expect((await page(path)).records[0].value).toBe('\ufffd(');
  });

  it('names a partition that is not there, and takes batches for one partition only', async () => {
    const path = await topic(2);
    expectProblem(await raw(`${path}/partitions/2/records`, '{"records":[{"value":1}]}'), 404, 'partition_not_found', { partitions: 2 });
    expectProblem(await raw(`${path}/records`, '{"records":[{"value":1},{"value":1,"partition":9}]}'), 404, 'partition_not_found', { partitions: 2 });
    for (const partition of ['-1', '1e0', '+1', '01', 'x', '9007199254740992'])
      expectProblem(await raw(`${path}/partitions/${partition}/records`, '{"records":[{"value":1}]}'), 400, 'invalid_request');
    expectProblem(await send('POST', `${path}/records`, { body: batchOf(['1']), headers: batches }), 400, 'invalid_request');
    expectProblem(await raw(`${path}/records`, '{"records":[{"value":1}]}', { 'wadi-expected-offset': '0' }), 400, 'invalid_request');
    expect((await get(`${path}/records`)).json.records).toEqual([]);
  });

  it('appends at the expected offset only, and tells the true one', async () => {
    const path = `${await topic()}/partitions/0/records`;
    const at = (offset: number) => raw(path, '{"records":[{"value":1},{"value":2}]}', { 'wadi-expected-offset': String(offset) });
    expect((await at(0)).json.results[0].baseOffset).toBe(0);
    expectProblem(await at(0), 412, 'offset_mismatch', { endOffset: 2 });
    expectProblem(await at(3), 412, 'offset_mismatch', { endOffset: 2 });
    const racers = await Promise.all([at(2), at(2), at(2)]);
    expect(racers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    const bytes = await send('POST', path, { body: batchOf(['3']), headers: { ...batches, 'wadi-expected-offset': '4' } });
    expect(bytes.json.results[0].baseOffset).toBe(4);
  });

  it('takes large and chunked bodies', async () => {
    const path = await topic(1, { 'max.message.bytes': 4 * 2 ** 20 });
    const value = randomBytes(client.lambda ? 2 ** 20 : 3 * 2 ** 19).toString('hex');
    const json = `{"records":[{"value":"${value}"},{"value":"${value}"}]}`;
    expect((await raw(`${path}/records`, json)).json.results[0].count).toBe(2);
    const chunks = new Blob([json]).stream();
    expect((await send('POST', `${path}/records`, { body: chunks, headers: { 'content-type': 'application/json' } })).status).toBe(200);
    const records = (await page(path, `?maxBytes=8388608${client.lambda ? '&limit=2' : ''}`)).records;
    expect(records.map((record: { value: string }) => record.value === value)).toEqual([true, true]);
    const tooLarge = new Blob(['['.repeat(9 * 2 ** 20)]).stream();
    const refused = await send('POST', `${path}/records`, { body: tooLarge, headers: { 'content-type': 'application/json' } }).catch(() => undefined);
    if (refused !== undefined) expectProblem(refused, 413, 'body_too_large');
    expect((await page(path)).endOffset).toBe(4);
  });

  it('takes a body without a content type for JSON', async () => {
    const path = await topic();
    const reply = await send('POST', `${path}/records`, { body: Buffer.from('{"records":[{"value":1}]}') });
    expect(reply.status).toBe(200);
  });
});

function damaged(): Buffer {
  const batch = batchOf(['2']);
  batch[batch.length - 2] = (batch.at(-2) as number) ^ 1;
  return batch;
}
