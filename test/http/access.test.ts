// Who may do what: every route with every kind of token, and nothing for whoever has none.

import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Access, accesses, createTokens, hashOf, makeToken, type TokenEntry } from '../../src/access/tokens.ts';
import { builtRoutes, routesToCome } from '../../src/http/routes.ts';
import { clientOf } from './contract/client.ts';
import { type Home, memoryBroker, serveBroker } from './contract/homes.ts';

type Bearer = { readonly token: string; readonly entry: TokenEntry };

function bearer(name: string, access: readonly Access[], topics?: readonly string[]): Bearer {
  const token = makeToken();
  return { token, entry: { name, access, sha256: hashOf(token).toString('hex'), ...(topics === undefined ? {} : { topics }) } };
}

const bearers = {
  all: bearer('all', accesses),
  read: bearer('read', ['read']),
  write: bearer('write', ['write']),
  admin: bearer('admin', ['admin']),
  'all of other topics': bearer('others', accesses, ['other', 'b*']),
  'all of this topic': bearer('mine', accesses, ['acc*']),
};
type Kind = keyof typeof bearers;

let home: Home;
let entries = Object.values(bearers).map(({ entry }) => entry);
const client = clientOf(() => home);
beforeAll(async () => {
  home = await serveBroker(await memoryBroker(), { tokens: () => createTokens(entries) });
});
afterAll(() => home.close());

const as = (kind: Kind, more: Record<string, string> = {}) => ({ authorization: `Bearer ${bearers[kind].token}`, ...more });
const json = { 'content-type': 'application/json' };
const body = '{"records":[{"value":1}]}';

/** What each route is asked, and which kinds of token get an answer of its own. */
const table: readonly { readonly route: string; readonly path: string; readonly body?: string; readonly may: readonly Kind[] }[] = [
  { route: 'get /v1', path: '/v1', may: ['all', 'read', 'write', 'admin', 'all of other topics', 'all of this topic'] },
  { route: 'get /v1/docs', path: '/v1/docs', may: Object.keys(bearers) as Kind[] },
  { route: 'get /v1/docs/{asset}', path: '/v1/docs/start.js', may: Object.keys(bearers) as Kind[] },
  { route: 'get /metrics', path: '/metrics', may: ['all', 'read'] },
  { route: 'get /v1/topics', path: '/v1/topics', may: ['all', 'read', 'all of other topics', 'all of this topic'] },
  { route: 'put /v1/topics/{topic}', path: '/v1/topics/acc', body: '{}', may: ['all', 'admin', 'all of this topic'] },
  { route: 'get /v1/topics/{topic}', path: '/v1/topics/acc', may: ['all', 'read', 'write', 'admin', 'all of this topic'] },
  { route: 'patch /v1/topics/{topic}', path: '/v1/topics/acc', body: '{}', may: ['all', 'admin', 'all of this topic'] },
  { route: 'post /v1/producers', path: '/v1/producers', body: '{}', may: ['all', 'write', 'all of other topics', 'all of this topic'] },
  { route: 'post /v1/topics/{topic}/records', path: '/v1/topics/acc/records', body, may: ['all', 'write', 'all of this topic'] },
  { route: 'post /v1/topics/{topic}/partitions/{partition}/records', path: '/v1/topics/acc/partitions/0/records', body, may: ['all', 'write', 'all of this topic'] },
  { route: 'get /v1/topics/{topic}/partitions/{partition}/records', path: '/v1/topics/acc/partitions/0/records', may: ['all', 'read', 'all of this topic'] },
  { route: 'get /v1/topics/{topic}/records', path: '/v1/topics/acc/records', may: ['all', 'read', 'all of this topic'] },
  { route: 'get /v1/topics/{topic}/offsets', path: '/v1/topics/acc/offsets', may: ['all', 'read', 'all of this topic'] },
  { route: 'delete /v1/topics/{topic}', path: '/v1/topics/acc', may: ['all', 'admin', 'all of this topic'] },
];
const free = ['get /healthz', 'get /readyz'];

it('the table has every route', () => {
  const routes = builtRoutes.map(({ route }) => `${route.method} ${route.path}`);
  expect([...table.map(({ route }) => route), ...free].sort()).toEqual([...routes].sort());
});

describe.each(table)('$route', ({ route, path, body: sent, may }) => {
  const method = (route.split(' ')[0] as string).toUpperCase();

  it.each(Object.keys(bearers) as Kind[])('with %s', async (kind) => {
    await client.send('PUT', '/v1/topics/acc', { headers: as('all') });
    const reply = await client.send(method, path, { headers: as(kind, json), ...(sent === undefined ? {} : { body: sent }) });
    if (may.includes(kind)) expect(reply.status).toBeLessThan(300);
    else expect([reply.status, reply.json.code, reply.json.sideEffects]).toEqual([403, 'forbidden', 'none']);
    // Whoever was refused changed nothing.
    if (kind !== 'all' && !may.includes(kind)) expect((await client.get('/v1/topics/acc', as('all'))).status).toBe(200);
  });
});

describe('without a token that is known', () => {
  const stranger = makeToken();
  const headers: readonly (readonly [string, Record<string, string>])[] = [
    ['no header', {}],
    ['an unknown token', { authorization: `Bearer ${stranger}` }],
    ['another scheme', { authorization: `Basic ${bearers.all.token}` }],
    ['the token alone', { authorization: bearers.all.token }],
    ['half a token', { authorization: `Bearer ${bearers.all.token.slice(0, -1)}` }],
    ['a token and more', { authorization: `Bearer ${bearers.all.token}x` }],
    ['two tokens', { authorization: `Bearer ${bearers.all.token} ${bearers.all.token}` }],
    ['a long one', { authorization: `Bearer ${'x'.repeat(10_000)}` }],
    ['a token in the wrong header', { 'x-authorization': `Bearer ${bearers.all.token}` }],
  ];
  const places = [
    ...table.map(({ route, path }) => [(route.split(' ')[0] as string).toUpperCase(), path]),
    ...routesToCome.map(({ method, path }) => [method.toUpperCase(), path.replaceAll(/[{}]/g, '')]),
    ['GET', '/'],
    ['GET', '/nowhere'],
    ['OPTIONS', '/v1/topics'],
    ['POST', '/healthz'],
    ['GET', '/healthz/'],
    ['GET', '//healthz'],
    ['GET', '/v1/openapi.json'],
    ['GET', '/v1/topics/acc/records?token=x'],
    ['HEAD', '/v1'],
  ] as [string, string][];

  it.each(headers)('%s: 401 everywhere', async (_, given) => {
    for (const [method, path] of places) {
      const reply = await client.send(method, path, { headers: given });
      expect([method, path, reply.status, reply.headers.get('www-authenticate')]).toEqual([method, path, 401, 'Bearer']);
      if (method !== 'HEAD') expect(reply.json).toMatchObject({ code: 'unauthorized', sideEffects: 'none' });
      expect(reply.text).not.toContain(bearers.all.token.slice(0, 20));
    }
  });

  it('a token in the address is none', async () => {
    expect((await client.get(`/v1?access_token=${bearers.all.token}`)).status).toBe(401);
  });

  it('health is told to everybody, with and without a query', async () => {
    for (const path of ['/healthz', '/readyz', '/healthz?x=1']) expect((await client.get(path)).status).toBeLessThan(401);
    expect((await client.send('HEAD', '/healthz')).status).toBe(200);
  });
});

it('the scheme may be written in any case', async () => {
  for (const scheme of ['bearer', 'BEARER', 'Bearer ']) expect((await client.get('/v1', { authorization: `${scheme} ${bearers.read.token}` })).status).toBe(200);
});

it('the list of topics leaves out those that a token is not for', async () => {
  for (const name of ['acc', 'bee', 'other', 'zzz']) await client.send('PUT', `/v1/topics/${name}`, { headers: as('all') });
  const names = async (kind: Kind) => (await client.get('/v1/topics', as(kind))).json.topics.map(({ name }: { name: string }) => name);
  expect(await names('read')).toEqual(['acc', 'bee', 'other', 'zzz']);
  expect(await names('all of other topics')).toEqual(['bee', 'other']);
});

it('a token that is taken away is none from then on', async () => {
  const kept = entries;
  expect((await client.get('/v1', as('read'))).status).toBe(200);
  entries = kept.filter(({ name }) => name !== 'read');
  expect((await client.get('/v1', as('read'))).status).toBe(401);
  entries = kept;
});

describe('on one connection', () => {
  const [first, second] = [bearer('first', ['read']), bearer('second', ['read'])];
  let tokens = createTokens([first.entry]);
  let one: Home;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  beforeAll(async () => {
    one = await serveBroker(await memoryBroker(), { tokens: () => tokens });
  });
  afterAll(async () => {
    agent.destroy();
    await one.close();
  });

  /** Status and the client's own port. */
  const ask = (authorization?: string): Promise<[number, number]> =>
    new Promise((resolve, reject) => {
      const sent = request(`${one.url}/v1/topics`, { agent, headers: authorization === undefined ? {} : { authorization } }, (reply) => {
        const port = reply.socket.localPort ?? 0;
        reply.resume().once('end', () => resolve([reply.statusCode ?? 0, port]));
      });
      sent.once('error', reject).end();
    });

  it('every request is judged by its own token, and by those that are known at its time', async () => {
    const [known, other] = [`Bearer ${first.token}`, `Bearer ${second.token}`];
    const asked: [number, number][] = [];
    for (const authorization of [known, known, undefined, other, `${known.slice(0, -1)}-`, known.slice(0, -1), `${known}x`, known]) asked.push(await ask(authorization));
    expect(asked.map(([status]) => status)).toEqual([200, 200, 401, 401, 401, 401, 401, 200]);
    tokens = createTokens([second.entry]);
    for (const authorization of [known, other]) asked.push(await ask(authorization));
    expect(asked.slice(-2).map(([status]) => status)).toEqual([401, 200]);
    expect(new Set(asked.map(([, port]) => port)).size).toBe(1);
  });
});
