// Servers on DynamoDB and S3, by emulators whose calls take as long as those of AWS: how long an acknowledgement takes,
// and what one server and two can do. The time that the network takes is drawn, the rest is this machine's.

import { startCloud } from '../test/support/cloud.ts';
import { startProgress } from '../test/support/progress.ts';
import { seededRandom } from '../test/support/random.ts';
import { startServer } from '../test/support/server-process.ts';
import { logNormal, type StoreCall, startFront } from '../test/support/store-front.ts';
import { type CaseName, cases, recordsPerRequest } from './cases.ts';
import type { LoadResult } from './load.ts';
import { createTopic, runLoad } from './run.ts';

/** In ms. Of S3, what reads takes half as long as an upload. */
const dynamoMs = { p50: 8, p99: 16 };
const uploadMs = { p50: 60, p99: 250 };
const turnMs = 1_000;
const warmUpConnections = 32;

type Point = { readonly title: string; readonly name: CaseName; readonly servers: number; readonly connections: number; readonly partitions: number; readonly mostP50Ms?: number };

const points: readonly Point[] = [
  { title: 'in the ledger, one request in flight', name: 'single', servers: 1, connections: 1, partitions: 1, mostP50Ms: 20 },
  { title: 'through S3, one request in flight', name: 'batches', servers: 1, connections: 1, partitions: 1, mostP50Ms: 85 },
  { title: 'one server', name: 'batches', servers: 1, connections: 64, partitions: 6 },
  { title: 'two servers', name: 'batches', servers: 2, connections: 64, partitions: 6 },
];

/** @param anything no targets: only that it runs. Answers whether all targets were reached. */
export async function benchCloud(seconds: number, anything: boolean): Promise<boolean> {
  let reached = true;
  const progress = startProgress('points', points.length);
  for (const [i, point] of points.entries()) {
    const results = await measurePoint(point, seconds);
    const { mostP50Ms, title, name, connections, partitions } = point;
    const failed = results.reduce((sum, result) => sum + result.failed, 0);
    const perSecond = results.reduce((sum, result) => sum + result.succeeded / result.seconds, 0);
    const records = perSecond * (name === 'single' ? 1 : recordsPerRequest);
    const worst = (value: (result: LoadResult) => number): number => Math.max(...results.map(value));
    const p50Ms = worst((result) => result.p50Ms);
    progress.update(i + 1, '');
    console.log(
      `${title}: ${cases[name].title}, ${connections} connection${connections === 1 ? '' : 's'}, ${partitions} partition${partitions === 1 ? '' : 's'}
  p50 ${p50Ms.toFixed(1)} ms  p99 ${worst((result) => result.p99Ms).toFixed(1)} ms  ${perSecond.toFixed(0)} requests/s  ${(records / 1024).toFixed(1)} MiB/s${failed > 0 ? `  ${failed} failed, the first with ${results.find(({ firstFailure }) => firstFailure !== undefined)?.firstFailure}` : ''}`,
    );
    const good = failed === 0 && perSecond > 0 && (mostP50Ms === undefined || p50Ms <= mostP50Ms);
    if (mostP50Ms !== undefined && !anything) console.log(`  target: p50 at most ${mostP50Ms} ms: ${good ? 'reached' : 'MISSED'}`);
    reached &&= good || (anything && failed === 0 && perSecond > 0);
  }
  progress.end();
  if (!anything) console.log(reached ? '\nall targets reached' : '\na target was missed');
  return reached;
}

/** Of each server. */
async function measurePoint({ name, servers, connections, partitions }: Point, seconds: number): Promise<LoadResult[]> {
  const random = seededRandom(1);
  const draw = ({ p50, p99 }: typeof dynamoMs) => logNormal(random, p50, p99);
  const cloud = await startCloud({
    dynamoFront: (emulator) => startFront(emulator, { delayMs: () => draw(dynamoMs) }),
    s3Front: (emulator) => startFront(emulator, { delayMs: ({ writes }: StoreCall) => draw(uploadMs) / (writes ? 1 : 2) }),
  });
  try {
    const running = await Promise.all(Array.from({ length: servers }, () => startServer(cloud.server)));
    await createTopic((running[0] as (typeof running)[0]).url, partitions);
    const load = (url: string, turns: number, open: number) =>
      runLoad({ lanes: [{ port: Number(new URL(url).port), producers: 'none', headers: {} }], warmUpTurns: 1, turns, turnMs, name, partitions, offsets: [], connections: open });
    // A few dozen requests a second would not make V8 compile what they run through.
    await Promise.all(running.map(({ url }) => load(url, seconds, warmUpConnections)));
    const results = await Promise.all(running.map(({ url }) => load(url, seconds, connections / servers)));
    for (const server of running) await server.stop();
    return results.map(([result]) => result as LoadResult);
  } finally {
    await cloud.stop();
  }
}
