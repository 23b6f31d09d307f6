// Idempotent producers and idempotency keys, as HTTP-API says them.
import { expect, it } from 'vitest';
import { encodeBatch } from '../../support/record-batch.ts';
import { contract, expectProblem } from './client.ts';

const batches = { 'content-type': 'application/vnd.wadi.record-batches' };

contract('producers', (client) => {
  const { get, send, raw, topic } = client;
  const take = async (json: unknown = {}) => send('POST', '/v1/producers', { json });
  const withProducer = (path: string, producer: unknown, ...values: unknown[]) => send('POST', `${path}/partitions/0/records`, { json: { producer, records: values.map((value) => ({ value })) } });
  const valuesOf = async (path: string) => (await get(`${path}/partitions/0/records`)).json.records.map(({ value }: { value: unknown }) => value);

  it('ids are drawn, and epochs go up; the last one is followed by a new id', async () => {
    const [one, other] = [(await take()).json, (await send('POST', '/v1/producers')).json];
    expect([one.epoch, other.epoch]).toEqual([0, 0]);
    expect(one.id).not.toBe(other.id);
    expect(Number.isSafeInteger(one.id) && one.id >= 0).toBe(true);
    expect((await take({ id: one.id, epoch: 0 })).json).toEqual({ id: one.id, epoch: 1 });
    const last = (await take({ id: one.id, epoch: 32_767 })).json;
    expect([last.id === one.id, last.epoch]).toEqual([false, 0]);
  });

  it.each([{ id: 1 }, { epoch: 1 }, { id: -1, epoch: 0 }, { id: 1.5, epoch: 0 }, { id: 2 ** 53, epoch: 0 }, { id: 1, epoch: 32_768 }, { id: '1', epoch: 0 }, { more: 1 }])(
    'refuses %j by name',
    async (json) => {
      expectProblem(await take(json), 400, 'invalid_request');
    },
  );

  it('I5: a repeat gets its first offsets; an older one is told to stand, with offsets null', async () => {
    const path = await topic();
    const { id, epoch } = (await take()).json;
    const first = await withProducer(path, { id, epoch, sequence: 0 }, 'a', 'b');
    expect(first.json.results).toMatchObject([{ partition: 0, baseOffset: 0, count: 2 }]);
    expect((await withProducer(path, { id, epoch, sequence: 0 }, 'a', 'b')).json).toEqual(first.json);
    await withProducer(path, { id, epoch, sequence: 2 }, 'c');
    const older = await withProducer(path, { id, epoch, sequence: 0 }, 'a', 'b');
    expect([older.status, older.json.results]).toEqual([200, [{ partition: 0, baseOffset: null, count: 2, timestamp: null, duplicate: true }]]);
    const body = JSON.stringify({ producer: { id, epoch, sequence: 0 }, records: [{ value: 'a' }, { value: 'b' }] });
    expect((await raw(`${path}/partitions/0/records?answer=records`, body)).json.records).toEqual([
      { partition: 0, offset: null },
      { partition: 0, offset: null },
    ]);
    expect(await valuesOf(path)).toEqual(['a', 'b', 'c']);
  });

  it('I4: a gap is refused with what is expected, an old epoch with the newest', async () => {
    const path = await topic();
    const { id } = (await take()).json;
    expectProblem(await withProducer(path, { id, epoch: 0, sequence: 1 }, 'b'), 409, 'out_of_order_sequence', { expectedSequence: 0 });
    await withProducer(path, { id, epoch: 3, sequence: 0 }, 'a');
    expectProblem(await withProducer(path, { id, epoch: 3, sequence: 2 }, 'b'), 409, 'out_of_order_sequence', { expectedSequence: 1 });
    expectProblem(await withProducer(path, { id, epoch: 2, sequence: 1 }, 'b'), 409, 'producer_fenced', { epoch: 3 });
    expect(await valuesOf(path)).toEqual(['a']);
  });

  it('I5: record batches and JSON share the sequences of a producer', async () => {
    const path = await topic();
    const { id, epoch } = (await take()).json;
    await withProducer(path, { id, epoch, sequence: 0 }, 'a');
    const body = encodeBatch([{ value: Buffer.from('"b"') }, { value: Buffer.from('"c"') }], 1_700_000_000_000, { id, epoch, sequence: 1 });
    const first = await send('POST', `${path}/partitions/0/records`, { body, headers: batches });
    expect(first.json.results).toMatchObject([{ baseOffset: 1, count: 2, timestamp: 1_700_000_000_000 }]);
    expect((await send('POST', `${path}/partitions/0/records`, { body, headers: batches })).json).toEqual(first.json);
    await withProducer(path, { id, epoch, sequence: 3 }, 'd');
    expect(await valuesOf(path)).toEqual(['a', 'b', 'c', 'd']);
    const stored = await get(`${path}/partitions/0/records`, { accept: batches['content-type'] });
    expect(stored.bytes.readBigInt64BE(43)).toBe(BigInt(id));
  });

  it.each([
    1,
    [],
    {},
    { id: 1, epoch: 0 },
    { id: 1, epoch: 0, sequence: 2 ** 31 },
    { id: 1, epoch: 40_000, sequence: 0 },
    { id: 2 ** 53, epoch: 0, sequence: 0 },
    { id: 1, epoch: 0, sequence: 0, more: 1 },
  ])('refuses the producer %j', async (producer) => {
    const path = await topic();
    expectProblem(await withProducer(path, producer, 'a'), 400, 'invalid_request');
    expect(await valuesOf(path)).toEqual([]);
  });

  it('a producer is for one partition, which has a sequence of its own', async () => {
    const path = await topic(2);
    expectProblem(await raw(`${path}/records`, '{"producer":{"id":1,"epoch":0,"sequence":0},"records":[{"value":1}]}'), 400, 'invalid_request');
    expect((await withProducer(path, { id: 1, epoch: 0, sequence: 0 }, 'a')).status).toBe(200);
    expect((await send('POST', `${path}/partitions/1/records`, { json: { producer: { id: 1, epoch: 0, sequence: 0 }, records: [{ value: 'b' }] } })).status).toBe(200);
  });
});

contract('idempotency keys', (client) => {
  const { get, send, topic } = client;
  const post = (path: string, body: string, key = 'k-1', headers: Record<string, string> = {}) =>
    send('POST', path, { body, headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers } });
  const all = async (path: string) => (await get(`${path}/records`)).json.records.map(({ value }: { value: unknown }) => value);
  const body = JSON.stringify({ records: ['a', 'b', 'c', 'd'].map((key) => ({ key, value: key })) });

  it('I5: the same request adds nothing and gets the first answer', async () => {
    const path = await topic(3);
    const first = await post(`${path}/records`, body);
    expect(first.status).toBe(200);
    expect((await post(`${path}/records`, body)).json).toEqual(first.json);
    expect((await post(`${path}/records?answer=records`, body)).json.records).toHaveLength(4);
    expect(await all(path)).toHaveLength(4);
  });

  it('I4: another body, form, partition or expected offset under its key is refused', async () => {
    const path = await topic(3);
    await post(`${path}/records`, body);
    for (const reply of [
      await post(`${path}/records`, body.replace('"a"', '"x"')),
      await post(`${path}/records?as=value`, body),
      await post(`${path}/partitions/0/records`, body),
      await post(`${path}/partitions/0/records`, body, 'k-1', { 'wadi-expected-offset': '0' }),
    ])
      expectProblem(reply, 422, 'idempotency_key_reused');
    expect(await all(path)).toHaveLength(4);
  });

  it('I5: as values, as one value, and as record batches', async () => {
    const path = await topic();
    const batch = encodeBatch([{ value: Buffer.from('1') }], 1_700_000_000_000);
    for (let i = 0; i < 2; i++) {
      await post(`${path}/records?as=values`, '[1,2]', 'values');
      await post(`${path}/records?as=value&key=x`, '3', 'value', { 'content-type': 'text/plain' });
      expect((await send('POST', `${path}/partitions/0/records`, { body: batch, headers: { ...batches, 'idempotency-key': 'batch' } })).json.results).toMatchObject([{ baseOffset: 3 }]);
    }
    expect(await all(path)).toHaveLength(4);
  });

  it('is not for lines, nor with a producer', async () => {
    const path = await topic();
    expectProblem(await post(`${path}/records`, '{"value":1}\n', 'k', { 'content-type': 'application/x-ndjson' }), 400, 'invalid_request');
    expectProblem(await post(`${path}/partitions/0/records`, '{"producer":{"id":1,"epoch":0,"sequence":0},"records":[{"value":1}]}'), 400, 'invalid_request');
    const batch = encodeBatch([{ value: Buffer.from('1') }], 1_700_000_000_000, { id: 1, epoch: 0, sequence: 0 });
    expectProblem(await send('POST', `${path}/partitions/0/records`, { body: batch, headers: { ...batches, 'idempotency-key': 'k' } }), 400, 'invalid_request');
    expect(await all(path)).toEqual([]);
  });

  it.each(['', 'x'.repeat(256), 'schlüssel', 'a\tb'])('refuses the key %j', async (key) => {
    const path = await topic();
    const reply = await post(`${path}/records`, body, key);
    expectProblem(reply, 400, 'invalid_request');
    expect((await post(`${path}/records`, body, 'x'.repeat(255))).status).toBe(200);
  });
});
