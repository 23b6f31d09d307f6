// One measurement: fresh server processes, a load process, a few seconds for each, and what came of it.

import { execFileSync, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTotals, removeFolder, type ServerProcess, startCommandIn, startServer, temporaryFolder, track } from '../test/support/server-process.ts';
import { batchBody, type CaseName, recordsPerRequest, topic } from './cases.ts';
import type { Lane, LoadOrder, LoadResult } from './load.ts';

/** `idempotent`: ours, and each connection is an idempotent producer; `plain`: ours, and none is, with the same work for the load. `guarded`: ours with tokens, and metrics that are read every second. `before`: the server of another checkout. */
export type Contender = 'ours' | 'idempotent' | 'plain' | 'guarded' | 'before' | 'null' | 'bare';

/** What a fetch reads: a data folder of ours that holds it, and for the null server the size of a page. */
export type Preload = { readonly dataDir: string; readonly offsets: readonly number[]; readonly pageBytes: number; readonly records: number };

export type Setup = {
  readonly name: CaseName;
  readonly partitions: number;
  readonly seconds: number;
  /** Another program in place of our server. */
  readonly entry: string | undefined;
  readonly preload: Preload | undefined;
  /** Folder of another checkout, installed. */
  readonly before?: string | undefined;
  readonly nodeArgs?: readonly string[];
};

export type Measurement = LoadResult & {
  readonly perSecond: number;
  readonly totals: ReturnType<typeof readTotals>;
  /** Share of the time in which some process waited for a CPU. */
  readonly cpuPressure: number;
};

export const connections = 16;
const scrapeEveryMs = 1000;
const nullServer = fileURLToPath(new URL('null-server.ts', import.meta.url));
const command = fileURLToPath(new URL('../bin/wadi.js', import.meta.url));
const load = fileURLToPath(new URL('load.ts', import.meta.url));

const turnMs = 500;

/** Of one contender, alone. */
export async function measure(contender: Contender, setup: Setup): Promise<Measurement> {
  const [measurement] = await measureTogether([contender], setup);
  return measurement as Measurement;
}

/** Their servers stand side by side and are loaded in short turns, so that what else the machine does hits all alike. */
export async function measureTogether(contenders: readonly Contender[], setup: Setup): Promise<Measurement[]> {
  const stands: Stand[] = [];
  try {
    for (const contender of contenders) stands.push(await openStand(contender, setup));
    const pressure = readPressure();
    const started = performance.now();
    const turns = Math.max(1, Math.round((setup.seconds * 1_000) / turnMs));
    const results = await runLoad({
      lanes: stands.map(({ lane }) => lane),
      turns,
      turnMs: (setup.seconds * 1_000) / turns,
      warmUpTurns: turns,
      name: setup.name,
      partitions: setup.partitions,
      offsets: setup.preload?.offsets ?? [],
      connections,
    });
    const cpuPressure = (readPressure() - pressure) / ((performance.now() - started) * 1_000);
    const measurements: Measurement[] = [];
    for (const [i, { contender, server }] of stands.entries()) {
      const result = results[i] as LoadResult;
      if (result.failed > 0) throw new Error(`${contender}, ${setup.name}: ${result.failed} requests failed, the first with ${result.firstFailure}`);
      if (result.succeeded === 0) throw new Error(`${contender}, ${setup.name}: no request was answered`);
      measurements.push({ ...result, perSecond: result.succeeded / result.seconds, totals: readTotals(await server.stop()), cpuPressure });
    }
    return measurements;
  } catch (error) {
    const printed = stands.map(({ contender, server }) => `${contender} printed:\n${server.output().trim()}`).join('\n');
    throw new Error(`${contenders.join(' and ')}, ${setup.name}: the measurement failed; ${printed}`, { cause: error });
  } finally {
    for (const stand of stands) await stand.close();
  }
}

/** A contender's server, ready to be loaded. */
type Stand = {
  readonly contender: Contender;
  readonly server: ServerProcess;
  readonly lane: Lane;
  close(): Promise<void>;
};

async function openStand(contender: Contender, setup: Setup): Promise<Stand> {
  // Each fills gigabytes, and there are dozens.
  const dataDir = temporaryFolder('bench');
  const secrets = temporaryFolder('bench-tokens');
  const removeFolders = () => {
    removeFolder(dataDir);
    removeFolder(secrets);
  };
  try {
    const tokenFile = join(secrets, 'tokens.json');
    const token = contender === 'guarded' ? makeToken(tokenFile) : undefined;
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const server = await startContender(contender, setup, dataDir, token === undefined ? [] : ['--tokens', tokenFile]);
    const scraping = token === undefined ? undefined : setInterval(() => void fetch(`${server.url}/metrics`, { headers }).then((response) => response.text()), scrapeEveryMs);
    const close = async () => {
      clearInterval(scraping);
      await server.kill();
      removeFolders();
    };
    try {
      if (contender !== 'null' && contender !== 'bare' && setup.preload === undefined) await createTopic(server.url, setup.partitions, headers);
    } catch (error) {
      await close();
      throw error;
    }
    const producers = contender === 'idempotent' || contender === 'plain' ? contender : 'none';
    return { contender, server, lane: { port: Number(new URL(server.url).port), producers, headers }, close };
  } catch (error) {
    removeFolders();
    throw error;
  }
}

async function startContender(
  contender: Contender,
  { preload, entry, before = '', nodeArgs = [] }: Setup,
  dataDir: string,
  serverArgs: readonly string[],
): Promise<ServerProcess & { readonly url: string }> {
  const ours = { dataDir: preload?.dataDir ?? dataDir, nodeArgs, args: serverArgs };
  if (contender === 'ours' || contender === 'idempotent' || contender === 'plain' || contender === 'guarded') return startServer({ ...ours, ...(entry === undefined ? {} : { entry }) });
  if (contender === 'before') {
    const { flags, entry: program } = startCommandIn(before);
    return startServer({ ...ours, nodeArgs: flags, entry: join(before, program) });
  }
  const args = ['--listener', contender === 'bare' ? 'node' : 'hono', '--page-bytes', String(preload?.pageBytes ?? 0)];
  return startServer({ dataDir, entry: nullServer, args });
}

/** As an operator would: by the command. */
function makeToken(file: string): string {
  return execFileSync(process.execPath, [command, 'tokens', 'create', 'bench', '--file', file, '--access', 'read,write,admin'], { encoding: 'utf8' }).match(/wadi_\S+/)?.[0] ?? '';
}

export async function createTopic(url: string, partitions: number, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const response = await fetch(`${url}/v1/topics/${topic}`, { method: 'PUT', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ partitions }) });
  if (!response.ok) throw new Error(`the topic could not be created: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** In a process of its own. */
export function runLoad(order: LoadOrder): Promise<readonly LoadResult[]> {
  return new Promise((resolve, reject) => {
    const child = fork(load, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    track(child);
    child.once('message', (results) => resolve(results as readonly LoadResult[]));
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
