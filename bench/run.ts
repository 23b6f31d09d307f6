// One measurement: a fresh server process, a load process, a few seconds, and what came of it.

import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readTotals, removeFolder, type ServerProcess, startServer, temporaryFolder, track } from '../test/support/server-process.ts';
import { batchBody, type CaseName, recordsPerRequest, topic } from './cases.ts';
import type { LoadOrder, LoadResult } from './load.ts';

export type Contender = 'ours' | 'null' | 'bare';

/** What a fetch reads: a data folder of ours that holds it, and for the null server the size of a page. */
export type Preload = { readonly dataDir: string; readonly offsets: readonly number[]; readonly pageBytes: number; readonly records: number };

export type Setup = {
  readonly name: CaseName;
  readonly partitions: number;
  readonly seconds: number;
  /** Another program in place of our server. */
  readonly entry: string | undefined;
  readonly preload: Preload | undefined;
  readonly nodeArgs?: readonly string[];
};

export type Measurement = LoadResult & {
  readonly perSecond: number;
  readonly totals: ReturnType<typeof readTotals>;
  /** Share of the time in which some process waited for a CPU. */
  readonly cpuPressure: number;
};

export const connections = 16;
const nullServer = fileURLToPath(new URL('null-server.ts', import.meta.url));
const load = fileURLToPath(new URL('load.ts', import.meta.url));

export async function measure(contender: Contender, setup: Setup): Promise<Measurement> {
  // Each fills gigabytes, and there are dozens.
  const dataDir = temporaryFolder('bench');
  const server = await startContender(contender, setup, dataDir);
  try {
    if (contender === 'ours' && setup.preload === undefined) await createTopic(server.url, setup.partitions);
    const pressure = readPressure();
    const started = performance.now();
    const result = await runLoad({
      port: Number(new URL(server.url).port),
      name: setup.name,
      partitions: setup.partitions,
      offsets: setup.preload?.offsets ?? [],
      connections,
      warmUpMs: Math.min(2_000, setup.seconds * 400),
      measureMs: setup.seconds * 1_000,
    });
    const cpuPressure = (readPressure() - pressure) / ((performance.now() - started) * 1_000);
    if (result.failed > 0) throw new Error(`${contender}, ${setup.name}: ${result.failed} requests failed, the first with ${result.firstFailure}`);
    if (result.succeeded === 0) throw new Error(`${contender}, ${setup.name}: no request was answered`);
    const totals = readTotals(await server.stop());
    return { ...result, perSecond: result.succeeded / result.seconds, totals, cpuPressure };
  } catch (error) {
    throw new Error(`${contender}, ${setup.name}: the measurement failed; the server printed:\n${server.output().trim()}`, { cause: error });
  } finally {
    await server.kill();
    removeFolder(dataDir);
  }
}

async function startContender(contender: Contender, { preload, entry, nodeArgs = [] }: Setup, dataDir: string): Promise<ServerProcess & { readonly url: string }> {
  if (contender === 'ours') return startServer({ dataDir: preload?.dataDir ?? dataDir, nodeArgs, ...(entry === undefined ? {} : { entry }) });
  const args = ['--listener', contender === 'bare' ? 'node' : 'hono', '--page-bytes', String(preload?.pageBytes ?? 0)];
  return startServer({ dataDir, entry: nullServer, args });
}

async function createTopic(url: string, partitions: number): Promise<void> {
  const response = await fetch(`${url}/v1/topics/${topic}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ partitions }) });
  if (!response.ok) throw new Error(`the topic could not be created: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

function runLoad(order: LoadOrder): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(load, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    track(child);
    child.once('message', (result) => resolve(result as LoadResult));
    child.once('exit', (code) => reject(new Error(`the load process ended with code ${code}`)));
    child.send(order);
  });
}

/** Fills a topic with record batches, and finds out what a page of it is. */
export async function preloadTopic(entry: string | undefined, mebibytes: number): Promise<Preload> {
  const dataDir = temporaryFolder('bench-preload');
  const server = await startServer({ dataDir, ...(entry === undefined ? {} : { entry }) });
  await createTopic(server.url, 1);
  const url = `${server.url}/v1/topics/${topic}/partitions/0/records`;
  const bodies = Array.from({ length: 24 }, batchBody);
  const requests = Math.ceil((mebibytes * 2 ** 20) / (bodies[0]?.length ?? 1));
  let next = 0;
  const post = async () => {
    while (next < requests) {
      const body = new Uint8Array(bodies[next++ % bodies.length] as Buffer);
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/vnd.wadi.record-batches' }, body });
      if (!response.ok) throw new Error(`preloading failed: ${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 4 }, post));
  const response = await fetch(`${url}?offset=0&limit=10000&maxBytes=1048576`, { headers: { accept: 'application/vnd.wadi.record-batches' } });
  const pageBytes = (await response.arrayBuffer()).byteLength;
  const step = Number(response.headers.get('wadi-next-offset'));
  if (!response.ok || pageBytes === 0 || !(step > 0)) throw new Error(`no page could be fetched: ${response.status}, ${pageBytes} bytes, next offset ${response.headers.get('wadi-next-offset')}`);
  await server.stop();
  const records = requests * recordsPerRequest;
  return { dataDir, pageBytes, records, offsets: Array.from({ length: Math.floor(records / step) }, (_, page) => page * step) };
}

/** Microseconds in which some process waited for a CPU; 0 where the kernel does not tell. */
function readPressure(): number {
  try {
    return Number(/some .*total=(\d+)/.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
