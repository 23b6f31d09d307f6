// What it costs to be a function: the size of the bundles, the time to start them against a function that has the SDK's
// clients and nothing else, and the CPU of a request through the handler against the same through the server.

import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleFunctions } from '../scripts/bundle-functions.ts';
import { createApp } from '../src/http/app.ts';
import { createApi } from '../src/http/create-api.ts';
import { listen } from '../src/server/listen.ts';
import { openCloud } from '../src/wiring/cloud.ts';
import { startCloud } from '../test/support/cloud.ts';
import { startProgress } from '../test/support/progress.ts';
import { encodeBatch } from '../test/support/record-batch.ts';
import { removeFolder, temporaryFolder, track } from '../test/support/server-process.ts';
import type { Order } from './one-sender.ts';

const mostBytes = 1_000_000;
const mostImport = 1.5;
const mostCpu = 1.3;
const requestsPerTurn = 20;

type Handler = (event: object, context: { getRemainingTimeInMillis(): number }) => Promise<{ readonly statusCode: number; readonly body: string }>;

/** @param anything no targets: only that it runs. Answers whether all targets were reached. */
export async function benchFunctions(pairs: number, anything: boolean): Promise<boolean> {
  const folder = temporaryFolder('functions');
  let reached = true;
  const judge = (what: string, value: number, most: number, shown: string): void => {
    const good = value <= most;
    reached &&= good || anything;
    console.log(`${what}: ${shown}${anything ? '' : `  target: at most ${most}: ${good ? 'reached' : 'MISSED'}`}`);
  };
  try {
    const files = await bundleFunctions(folder);
    for (const [name, file] of Object.entries(files)) {
      const { size } = statSync(file);
      judge(`bundle of ${name}, bytes`, size, mostBytes, String(size));
    }
    const bare = join(folder, 'bare.cjs');
    await bundle(fileURLToPath(new URL('bare-handler.ts', import.meta.url)), bare);
    const progress = startProgress('pairs', 3 * pairs);
    const import_ = { produce: [] as number[], fetch: [] as number[], bareMs: [] as number[] };
    for (let i = 0; i < pairs; i++) {
      for (const name of ['produce', 'fetch'] as const) {
        const bareMs = importMs(bare);
        import_.bareMs.push(bareMs);
        import_[name].push(importMs(files[name]) / bareMs);
        progress.update(i * 2, '');
      }
    }
    const cpu = await compareCpu(files.produce, pairs, (done) => progress.update(2 * pairs + done, ''));
    progress.end();
    for (const name of ['produce', 'fetch'] as const)
      judge(`time to import ${name} / bare handler`, median(import_[name]), mostImport, `${spread(import_[name])}, bare ${median(import_.bareMs).toFixed(0)} ms`);
    judge('CPU of 1 MiB of record batches, handler / server', median(cpu.ratios), mostCpu, `${spread(cpu.ratios)}, server ${median(cpu.serverMs).toFixed(2)} ms`);
  } finally {
    removeFolder(folder);
  }
  if (!anything) console.log(reached ? '\nall targets reached' : '\na target was missed');
  return reached;
}

const environment = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench', WADI_TABLE: 'wadi', WADI_BUCKET: 'wadi' };
const timer = 'const began = performance.now(); require(process.argv[1]); process.stdout.write(String(performance.now() - began));';

/** In a process of its own. */
const importMs = (file: string): number => Number(execFileSync(process.execPath, ['-e', timer, file], { env: environment, encoding: 'utf8' }));

/** Of both in this process, whose stores are emulators in others; what is sent to the server comes from another, too. */
async function compareCpu(bundled: string, pairs: number, onPair: (done: number) => void): Promise<{ readonly ratios: number[]; readonly serverMs: number[] }> {
  const cloud = await startCloud();
  const sender = fork(fileURLToPath(new URL('one-sender.ts', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  track(sender);
  Object.assign(process.env, cloud.server.env, { WADI_TABLE: 'wadi', WADI_BUCKET: 'wadi', WADI_S3_PATH_STYLE: 'true' });
  const home = await openCloud({ table: 'wadi', bucket: 'wadi', aws: {}, pathStyle: true });
  const stopping = new AbortController();
  const api = createApi({ broker: home.broker, version: 'bench', stopping: stopping.signal, onWorkLeft: home.onWorkLeft, ready: home.ready, localOnly: true });
  const listening = await listen(createApp(api), { host: '127.0.0.1', port: 0 });
  const ownResponse = globalThis.Response;
  const { handler } = createRequire(import.meta.url)(bundled) as { handler: Handler };
  const functionResponse = globalThis.Response;

  const body = batchOfOneMib();
  const type = 'application/vnd.wadi.record-batches';
  const path = '/v1/topics/bench/partitions/0/records';
  const event = {
    rawPath: path,
    rawQueryString: '',
    headers: { host: 'produce.example', 'content-type': type },
    requestContext: { http: { method: 'POST' } },
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
  const endMs = Date.now() + 3_600_000;
  async function throughHandler(requests: number): Promise<void> {
    // It has put one of its own in place of the global one, which a server in the same process does not know.
    globalThis.Response = functionResponse;
    for (let i = 0; i < requests; i++) {
      const { statusCode, body: answered } = await handler(event, { getRemainingTimeInMillis: () => endMs - Date.now() });
      if (statusCode !== 200) throw new Error(`the handler answered ${statusCode}: ${answered}`);
    }
    globalThis.Response = ownResponse;
  }
  async function throughServer(requests: number): Promise<void> {
    const order: Order = { url: `http://127.0.0.1:${listening.port}${path}`, type, body: body.toString('base64'), requests };
    sender.send(order);
    const [failure] = (await once(sender, 'message')) as [string];
    if (failure !== '') throw new Error(failure);
  }

  try {
    await fetch(`http://127.0.0.1:${listening.port}/v1/topics/bench`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"partitions":1}' });
    await throughServer(2 * requestsPerTurn);
    await throughHandler(2 * requestsPerTurn);
    const ratios: number[] = [];
    const serverMs: number[] = [];
    for (let i = 0; i < pairs; i++) {
      const ofServer = await cpuMs(() => throughServer(requestsPerTurn));
      serverMs.push(ofServer);
      ratios.push((await cpuMs(() => throughHandler(requestsPerTurn))) / ofServer);
      onPair(i + 1);
    }
    return { ratios, serverMs };
  } finally {
    sender.disconnect();
    stopping.abort();
    await listening.stop(1_000);
    await home.close();
    await cloud.stop();
  }
}

/** Of one request. */
async function cpuMs(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / requestsPerTurn;
}

function batchOfOneMib(): Buffer {
  const value = Buffer.alloc(1_000, 'a record of a thousand bytes. ');
  return encodeBatch(
    Array.from({ length: 1_030 }, () => ({ value })),
    Date.now(),
  );
}

function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * at)] ?? Number.NaN;
}

const median = (values: readonly number[]): number => quantile(values, 0.5);
const spread = (ratios: readonly number[]): string => `${median(ratios).toFixed(3)} (quartiles ${quantile(ratios, 0.25).toFixed(3)}-${quantile(ratios, 0.75).toFixed(3)})`;
