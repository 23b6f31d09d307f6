// A front of an emulator of AWS, as a network is: it takes its time, loses answers, and sends a request twice. Clients
// talk to it as to the emulator itself.

import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Emulator } from './emulators.ts';

/** Of a request: `UpdateItem` and its like for DynamoDB, the method for S3. */
export type StoreCall = { readonly operation: string; readonly writes: boolean };

export type FrontOptions = {
  /** How long a call takes, from its first byte to its answer; it is carried out after one half of that. Never less than the emulator takes. */
  readonly delayMs?: (call: StoreCall) => number;
  /** `lost`: it is carried out, and the connection ends instead of an answer; `twice`: the second answer may be the one that is told. */
  readonly fate?: (call: StoreCall) => 'once' | 'lost' | 'twice';
};

export type Front = Emulator & { readonly counts: Readonly<Record<'calls' | 'lost' | 'twice', number>> };

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

const writing = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems', 'PUT', 'DELETE', 'POST']);

export async function startFront(emulator: Emulator, { delayMs = () => 0, fate = () => 'once' }: FrontOptions): Promise<Front> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const counts = { calls: 0, lost: 0, twice: 0 };

  function forward({ method = 'GET', url = '/', headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(new URL(url, emulator.endpoint), { method, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cameAtMs = performance.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? request.method ?? '';
    const call = { operation, writes: writing.has(operation) };
    const tookMs = delayMs(call);
    const drawn = fate(call);
    counts.calls++;
    await passUntil(cameAtMs + tookMs / 2);
    let answer = await forward(request, body);
    if (drawn === 'twice') {
      counts.twice++;
      const second = await forward(request, body);
      if (tellsTheTruth(second)) answer = second;
    }
    await passUntil(cameAtMs + tookMs);
    if (drawn === 'lost') {
      counts.lost++;
      response.destroy();
      return;
    }
    const { connection, 'keep-alive': _, 'transfer-encoding': __, ...headers } = answer.headers;
    response.writeHead(answer.status, headers);
    response.end(answer.body);
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    // The sender is gone, or the emulator: no answer.
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      agent.destroy();
    },
  };
}

/** Also of a request whose first time was carried out: any other refusal would say that nothing was. */
const tellsTheTruth = ({ status, body }: Answer): boolean => status < 300 || status === 412 || body.includes('ConditionalCheckFailed');

/** Timers come late by less than this; the rest is waited for turn by turn. */
const lateMs = 1.5;

async function passUntil(momentMs: number): Promise<void> {
  const ms = momentMs - performance.now() - lateMs;
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  while (performance.now() < momentMs) await new Promise((resolve) => setImmediate(resolve));
}

/** Spread as logarithms of a normal distribution, which fits what is measured of calls over a network. */
export function logNormal(random: { next(): number }, p50: number, p99: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return p50 * Math.exp((Math.log(p99 / p50) / 2.326) * normal);
}
