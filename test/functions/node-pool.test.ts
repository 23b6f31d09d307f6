// The client of DynamoDB as bundles have it: on Node's own HTTP client in place of undici's pool.

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool as UndiciPool } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { Pool as NodePool } from '../../src/functions/node-pool.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: RequestListener): Promise<string> {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const options = { connections: 2, pipelining: 1, keepAliveTimeout: 30_000 };
type Outcome = { readonly status: number; readonly date: unknown; readonly text: string };

/** As src/adapters/dynamodb/client.ts uses one. */
function call(pool: NodePool | UndiciPool, body: string, abortWith?: Error): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let [status, date] = [0, undefined as unknown];
    const chunks: Buffer[] = [];
    (pool as NodePool).dispatch(
      { path: '/path', method: 'POST', headers: { 'x-amz-target': 'Target', 'content-length': String(Buffer.byteLength(body)) }, body },
      {
        onRequestStart: (controller) => void (abortWith !== undefined && controller.abort(abortWith)),
        onResponseStart(_, code, headers) {
          [status, date] = [code, headers.date];
        },
        onResponseData: (_, chunk) => void chunks.push(chunk),
        onResponseEnd: () => resolve({ status, date, text: Buffer.concat(chunks).toString() }),
        onResponseError: (_, error) => reject(error),
      },
    );
  });
}

describe.each([
  ['of Node', (url: string) => new NodePool(url, options)],
  ['of undici', (url: string) => new UndiciPool(url, options)],
] as const)('the pool %s', (_, open) => {
  it('sends a request whole and gives its answer whole, over connections that it keeps', async () => {
    const sockets = new Set<unknown>();
    const url = await serve(async (request, response) => {
      sockets.add(request.socket);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.writeHead(400, { date: 'today' });
      response.write(`${request.method} ${request.url} ${request.headers['x-amz-target']} `);
      response.end(Buffer.concat(chunks));
    });
    const pool = open(url);
    for (let i = 0; i < 3; i++) expect(await call(pool, 'größer')).toEqual({ status: 400, date: 'today', text: 'POST /path Target größer' });
    expect(sockets.size).toBeLessThan(3);
    await pool.destroy();
  });

  it('tells why there is no answer: nobody there, a connection that ends, a request given up', async () => {
    const nowhere = open('http://127.0.0.1:1');
    await expect(call(nowhere, '')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const url = await serve((request, response) => {
      response.write('half');
      request.socket.destroySoon();
    });
    const pool = open(url);
    await expect(call(pool, '')).rejects.toThrow();
    const reason = new Error('too late');
    await expect(call(pool, '', reason)).rejects.toBe(reason);
    await Promise.all([nowhere.destroy(), pool.destroy()]);
  });
});
