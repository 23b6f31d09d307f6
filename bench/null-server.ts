// The ceiling: a server that only reads a body and makes it durable. What arrives during a sync forms the next
// group: one write and one fdatasync for all of it, to one file. A GET answers `--page-bytes` from memory.
// `--listener hono` uses the HTTP library of the real server, `--listener node` bare node:http.

import { closeSync, fdatasync, openSync, writev } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type HttpBindings, serve } from '@hono/node-server';
import { Hono } from 'hono';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { data: text, host: text, port: text, listener: text, 'page-bytes': text } });
const { host: hostname = '127.0.0.1', port = '0' } = values;
const page = new Uint8Array(Number(values['page-bytes'] ?? 0)).fill(120);

const file = openSync(join(values.data ?? '.', 'null.log'), 'a');
let waiting: { bytes: Uint8Array; resolve: (answer: string) => void }[] = [];
let syncing = false;
let appends = 0;
let syncs = 0;

const makeDurable = (bytes: Uint8Array) =>
  new Promise<string>((resolve) => {
    waiting.push({ bytes, resolve });
    if (!syncing) sync();
  });

function sync(): void {
  const group = waiting;
  syncing = group.length > 0;
  if (!syncing) return;
  waiting = [];
  const done = (error: Error | null) => {
    if (error !== null) throw error;
    syncs++;
    for (const { resolve } of group) resolve(`{"topicId":"AAAAAAAAAAAAAAAAAAAAAA","results":[{"partition":0,"baseOffset":${appends++},"count":1,"timestamp":${Date.now()}}]}`);
    sync();
  };
  const buffers = group.map(({ bytes }) => bytes);
  writev(file, buffers, (error) => (error === null ? fdatasync(file, done) : done(error)));
}

const read = (request: IncomingMessage) =>
  new Promise<Uint8Array>((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
  });

const json = { 'content-type': 'application/json' };
const app = new Hono<{ Bindings: HttpBindings }>();
app.get('*', () => new Response(page));
app.on(['POST', 'PUT'], '*', async (context) => context.body(await makeDurable(await read(context.env.incoming as IncomingMessage)), 200, json));
const bare = createServer(async (request, response) => (request.method === 'GET' ? response.end(page) : response.writeHead(200, json).end(await makeDurable(await read(request)))));
const listening = ({ port }: AddressInfo) => console.log(`null server on http://127.0.0.1:${port}`);
const server = values.listener === 'node' ? bare.listen(Number(port), hostname, () => listening(bare.address() as AddressInfo)) : serve({ fetch: app.fetch, hostname, port: Number(port) }, listening);
process.once('SIGTERM', () => server.close(() => console.log(`stopped: ${appends} appends, ${syncs} commits, ${syncs} syncs`, closeSync(file) ?? '')));
