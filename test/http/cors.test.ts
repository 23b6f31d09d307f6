// Web pages of other origins: those that the server was told of may use it, others may neither write nor read.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTokens } from '../../src/access/tokens.ts';
import { clientOf, expectProblem, type Reply } from './contract/client.ts';
import { type Home, memoryBroker, serveBroker } from './contract/homes.ts';

const friend = 'https://app.example.com';
const foe = 'https://evil.example.com';
const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' };
const allowed = (reply: Reply): string | null => reply.headers.get('access-control-allow-origin');

function serving(corsOrigins: ReadonlySet<string>, tokens?: Parameters<typeof serveBroker>[1]) {
  let home: Home;
  const client = clientOf(() => home);
  beforeAll(async () => {
    home = await serveBroker(await memoryBroker(), { corsOrigins, ...tokens });
  });
  afterAll(() => home.close());
  return client;
}

describe('with one origin allowed', () => {
  const client = serving(new Set([friend]));

  it('its pages may read every answer, and the headers that tell positions', async () => {
    for (const path of ['/v1', '/v1/topics/nowhere', '/nowhere']) {
      const reply = await client.get(path, { origin: friend });
      expect([allowed(reply), reply.headers.get('vary')]).toEqual([friend, 'Origin']);
      expect(reply.headers.get('access-control-expose-headers')).toContain('Wadi-Next-Offset');
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull();
    }
    const stream = await client.send('POST', `${await client.topic()}/records`, { body: '{"value":1}\n', headers: { origin: friend, 'content-type': 'application/x-ndjson' } });
    expect([stream.status, allowed(stream)]).toEqual([200, friend]);
  });

  it('its pages may write, after they asked', async () => {
    const asked = await client.send('OPTIONS', '/v1/topics/t/records', { headers: { origin: friend, ...preflight } });
    expect([asked.status, allowed(asked), asked.text]).toEqual([204, friend, '']);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect(asked.headers.get('access-control-allow-methods')).toContain(method);
    for (const header of ['Authorization', 'Content-Type', 'Wadi-Expected-Offset', 'Last-Event-ID']) expect(asked.headers.get('access-control-allow-headers')).toContain(header);
    expect((await client.raw(`${await client.topic()}/records`, '{"records":[{"value":1}]}', { origin: friend })).status).toBe(200);
  });

  it('pages of others may do neither', async () => {
    const reply = await client.get('/v1', { origin: foe });
    expect([reply.status, allowed(reply), reply.headers.get('vary')]).toEqual([200, null, 'Origin']);
    const asked = await client.send('OPTIONS', '/v1/topics/t/records', { headers: { origin: foe, ...preflight } });
    expect([asked.status, allowed(asked)]).toEqual([405, null]);
    const path = await client.topic();
    expectProblem(await client.raw(`${path}/records`, '{"records":[{"value":1}]}', { origin: foe }), 403, 'origin_not_allowed');
    expect((await client.get(`${path}/partitions/0/records`)).json.endOffset).toBe(0);
  });

  it('a program, which sends no origin, is none of this', async () => {
    expect(allowed(await client.get('/v1'))).toBeNull();
  });
});

describe('with all origins allowed, and tokens', () => {
  const client = serving(new Set(['*']), { tokens: () => createTokens([]) });

  it('a question about origins needs no token and tells nothing else; all that follows does', async () => {
    const asked = await client.send('OPTIONS', '/v1/topics', { headers: { origin: foe, ...preflight } });
    expect([asked.status, allowed(asked)]).toEqual([204, foe]);
    const reply = await client.get('/v1/topics', { origin: foe });
    expect([reply.status, allowed(reply)]).toEqual([401, foe]);
  });
});

describe('with none', () => {
  const client = serving(new Set());

  it('no answer says anything of origins', async () => {
    const reply = await client.get('/v1', { origin: friend });
    expect([allowed(reply), reply.headers.get('vary')]).toEqual([null, null]);
    expect((await client.send('OPTIONS', '/v1', { headers: { origin: friend, ...preflight } })).status).toBe(405);
  });
});
