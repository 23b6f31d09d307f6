// Server-sent events: pages as they come, with an id that a reader comes back with.

import { describe, expect, it } from 'vitest';
import { openEvents } from '../../support/events.ts';
import { contract, expectProblem } from './client.ts';

const eventStream = 'text/event-stream';

contract('events', (client) => {
  const { append, get, send, topic } = client;
  const open = (path: string, lastEventId?: string) => openEvents(`${client.home().url}${path}`, lastEventId);

  it('an event is a page, its id the position after it', async () => {
    const path = await topic();
    await append(path, [1, { a: 2 }]);
    const events = await open(`${path}/partitions/0/records`);
    expect(events.headers.get('content-type')).toBe(eventStream);
    const event = await events.next();
    expect(event.id).toBe('2');
    expect(event.retryMs).toBe(1000);
    expect(JSON.parse(event.data)).toMatchObject({
      topicId: expect.any(String),
      records: [
        { offset: 0, value: 1 },
        { offset: 1, value: { a: 2 } },
      ],
      nextOffset: 2,
      endOffset: 2,
      startOffset: 0,
    });
    await append(path, [3]);
    // A function's stream ends with its time, and a reader comes back with the last id.
    const later = client.localstack ? await open(`${path}/partitions/0/records`, event.id) : events;
    expect(await later.next()).toMatchObject({ id: '3', data: expect.stringContaining('"value":3') });
    events.close();
    later.close();
  });

  it('Last-Event-ID wins over the place in the address', async () => {
    const path = `${await topic()}/partitions/0/records`;
    await append(path.replace('/partitions/0/records', ''), [0, 1, 2, 3]);
    const events = await open(`${path}?from=earliest`, '3');
    expect(JSON.parse((await events.next()).data).records.map(({ offset }: { offset: number }) => offset)).toEqual([3]);
    events.close();
  });

  it('a reader of all partitions goes on with the cursor', async () => {
    const path = await topic(3);
    for (const partition of [0, 1, 2]) await append(path, [partition], partition);
    const events = await open(`${path}/records`);
    const first = await events.next();
    expect(JSON.parse(first.data).cursor).toBe(first.id);
    events.close();
    await append(path, ['later'], 1);
    const resumed = await open(`${path}/records`, first.id);
    expect(JSON.parse((await resumed.next()).data).records.map(({ value }: { value: unknown }) => value)).toEqual(['later']);
    resumed.close();
  });

  it('a reader that begins at the end has a place before anything comes', async () => {
    const path = await topic();
    await append(path, [0, 1]);
    const events = await open(`${path}/partitions/0/records?from=latest`);
    expect(await events.place()).toBe('2');
    events.close();
    await append(path, ['between']);
    const resumed = await open(`${path}/partitions/0/records?from=latest`, '2');
    expect((await resumed.next()).data).toContain('"between"');
    resumed.close();
  });

  it('limit and maxBytes bound each event', async () => {
    const path = await topic();
    await append(path, [0, 1, 2, 3, 4]);
    const events = await open(`${path}/partitions/0/records?limit=2`);
    expect([(await events.next()).id, (await events.next()).id, (await events.next()).id]).toEqual(['2', '4', '5']);
    events.close();
  });

  it('a value with line breaks comes in one event', async () => {
    const path = await topic();
    expect((await client.raw(`${path}/records?as=value`, '{\r\n"a":\n1}')).status).toBe(200);
    const events = await open(`${path}/partitions/0/records`);
    expect(JSON.parse((await events.next()).data).records[0].value).toEqual({ a: 1 });
    events.close();
  });

  it('whoever comes back to a topic that was deleted is told so', async () => {
    const path = await topic();
    const events = await open(`${path}/partitions/0/records`);
    await events.place();
    await send('DELETE', path);
    events.close();
    const again = await get(`${path}/partitions/0/records`, { accept: eventStream });
    expectProblem(again, 404, 'topic_not_found');
  });

  describe('what cannot begin is a problem', () => {
    it.each([
      ['an offset beyond the end', '?offset=9', undefined, 416, 'offset_out_of_range'],
      ['a Last-Event-ID that is no offset', '', 'x', 400, 'invalid_request'],
      ['a limit beyond that of a page', '?limit=10001', undefined, 400, 'invalid_request'],
      ['maxBytes beyond those of a page', '?maxBytes=8388609', undefined, 400, 'invalid_request'],
    ] as const)('%s', async (_, query, last, status, code) => {
      const headers = { accept: eventStream, ...(last === undefined ? {} : { 'last-event-id': last }) };
      expectProblem(await get(`${await topic()}/partitions/0/records${query}`, headers), status, code);
    });

    it('a cursor that is none', async () => {
      expectProblem(await get(`${await topic()}/records`, { accept: eventStream, 'last-event-id': 'x' }), 400, 'invalid_cursor');
    });
  });

  it('HEAD has the head alone', async () => {
    const reply = await send('HEAD', `${await topic()}/records`, { headers: { accept: eventStream } });
    expect([reply.status, reply.headers.get('content-type'), reply.text]).toEqual([200, eventStream, '']);
  });
});
