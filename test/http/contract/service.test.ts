import { expect, it } from 'vitest';
import { builtRoutes, openApiPath, routesToCome } from '../../../src/http/routes.ts';
import { contract, expectProblem } from './client.ts';

contract('service', ({ get, send, lambda, localstack }) => {
  it('tells name, version, limits and endpoints', async () => {
    const reply = await get('/v1');
    expect(reply.json).toMatchObject({ name: 'wadi', limits: { maxBodyBytes: lambda ? 4_500_000 : 8 * 2 ** 20, maxPartitions: 256 } });
    expect((await get(`${new URL(reply.json.endpoints.read).pathname}healthz`)).status).toBe(200);
    expect((await get('/readyz')).json).toEqual({ status: 'ready' });
  });

  it('names each answer: by the id that the client gave, if that is sane, else by one of its own', async () => {
    expect((await get('/v1', { 'x-request-id': 'mine-1' })).headers.get('x-request-id')).toBe('mine-1');
    const others = await Promise.all(['a b', 'x'.repeat(129), '"quoted"', ''].map((id) => get('/nowhere', { 'x-request-id': id })));
    const ids = others.map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
    expect(new Set(ids).size).toBe(4);
  });

  it('answers unknown routes 404 and unknown methods 405 with those that there are', async () => {
    for (const path of ['/', '/v2', '/v1/topic', '/v1/topics/', '/v1/topics/a/b', '/v1/topics/t/partitions']) expectProblem(await get(path), 404, 'not_found');
    const reply = await send('POST', '/v1/topics/t');
    expectProblem(reply, 405, 'method_not_allowed');
    expect(reply.headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH, PUT');
    if (!localstack) expectProblem(await send('OPTIONS', '/v1'), 405, 'method_not_allowed');
  });

  it('I4: takes nothing from web pages of other origins, and from its own what they send', async () => {
    const body = { body: 'x', headers: { 'content-type': 'text/plain', origin: 'https://elsewhere.example' } };
    expect((await send('PUT', '/v1/topics/origins', { json: {} })).status).toBe(201);
    expectProblem(await send('POST', '/v1/topics/origins/records?as=value', body), 403, 'origin_not_allowed');
    expect((await get('/v1/topics/origins/records')).json.records).toEqual([]);
    const own = new URL((await get('/v1')).json.endpoints.write).origin;
    expect((await send('POST', '/v1/topics/origins/records?as=value', { ...body, headers: { ...body.headers, origin: own } })).status).toBe(200);
  });

  it('answers what is still to come by name', async () => {
    for (const { method, path } of routesToCome) {
      const reply = await send(method.toUpperCase(), path.replaceAll(/\{(partition)\}/g, '0').replaceAll(/[{}]/g, ''));
      expectProblem(reply, 501, 'not_implemented');
      expect(reply.json.detail).toContain(path);
    }
  });

  it('answers every built route, and lists exactly those in its OpenAPI document', async () => {
    const { paths } = (await get(openApiPath)).json;
    const listed = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods as object).map((method) => `${method} ${path}`));
    expect(listed.sort()).toEqual(builtRoutes.map(({ route }) => `${route.method} ${route.path}`).sort());
    for (const { route } of builtRoutes.filter(({ route: { path } }) => !(lambda && path.startsWith('/v1/docs')))) {
      const { status, text } = await send(route.method.toUpperCase(), route.path.replace('{topic}', 'no-such-topic').replace('{partition}', '0').replace('{asset}', 'start.js'));
      expect(`${route.method} ${route.path} ${text}`).not.toMatch(/"code":"(not_found|method_not_allowed|not_implemented)"/);
      expect(status).not.toBe(500);
    }
  });

  it('answers HEAD where there is GET, without a body', async () => {
    const reply = await send('HEAD', '/v1/topics');
    expect([reply.status, reply.text]).toEqual([200, '']);
  });

  it('answers HEAD of a fetch with the headers of GET, also as record batches', async () => {
    expect((await send('PUT', '/v1/topics/heads', { json: {} })).status).toBe(201);
    expect((await send('POST', '/v1/topics/heads/partitions/0/records', { json: { records: [{ value: 1 }] } })).status).toBe(200);
    const path = '/v1/topics/heads/partitions/0/records';
    for (const accept of ['application/json', 'application/vnd.wadi.record-batches']) {
      const [head, whole] = [await send('HEAD', path, { headers: { accept } }), await get(path, { accept })];
      const told = ({ headers }: typeof head) => [...headers].filter(([name]) => name.startsWith('wadi-') || name === 'content-type');
      expect([head.status, head.text, told(head)]).toEqual([200, '', told(whole)]);
    }
  });
});
