// Servers on DynamoDB and S3, by emulators whose calls take as long as those of AWS: how long an acknowledgement takes,
// and what one server and two can do. The time that the network takes is drawn, the rest is this machine's.

import { startCloud } from '../test/support/cloud.ts';
import type { Emulator } from '../test/support/emulators.ts';
import { startProgress } from '../test/support/progress.ts';
import { seededRandom } from '../test/support/random.ts';
import { startServer } from '../test/support/server-process.ts';
import { type Front, logNormal, type StoreCall, startFront } from '../test/support/store-front.ts';
import { type CaseName, cases, recordsPerRequest } from './cases.ts';
import type { Lane, LoadResult } from './load.ts';
import { createTopic, runLoad } from './run.ts';

/** In ms. Of S3, what reads takes half as long as an upload. */
const dynamoMs = { p50: 8, p99: 16 };
const uploadMs = { p50: 60, p99: 250 };
const turnMs = 1_000;
const warmUpConnections = 32;
/** Where bare calls take so much longer than was drawn, in the median, the machine had something else to do. */
const disturbedMs = dynamoMs.p50 * 1.05;
const mostTries = 3;

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
    const { mostP50Ms, title, name, connections, partitions } = point;
    let { results, hops, bareMs } = await measurePoint(point, seconds);
    for (let tries = 1; tries < mostTries && !anything && mostP50Ms !== undefined && bareMs > disturbedMs && results.some(({ p50Ms }) => p50Ms > mostP50Ms); tries++) {
      console.log(
        `${title}: p50 ${results[0]?.p50Ms.toFixed(1)} ms, but bare calls of DynamoDB meanwhile took ${bareMs.toFixed(1)} ms, not ${dynamoMs.p50}: the machine is disturbed, and this is measured again`,
      );
      ({ results, hops, bareMs } = await measurePoint(point, seconds));
    }
    const failed = results.reduce((sum, result) => sum + result.failed, 0);
    const perSecond = results.reduce((sum, result) => sum + result.succeeded / result.seconds, 0);
    const records = perSecond * (name === 'single' ? 1 : recordsPerRequest);
    const worst = (value: (result: LoadResult) => number): number => Math.max(...results.map(value));
    const p50Ms = worst((result) => result.p50Ms);
    progress.update(i + 1, '');
    console.log(
      `${title}: ${cases[name].title}, ${connections} connection${connections === 1 ? '' : 's'}, ${partitions} partition${partitions === 1 ? '' : 's'}
  p50 ${p50Ms.toFixed(1)} ms  p99 ${worst((result) => result.p99Ms).toFixed(1)} ms  ${perSecond.toFixed(0)} requests/s  ${(records / 1024).toFixed(1)} MiB/s${failed > 0 ? `  ${failed} failed, the first with ${results.find(({ firstFailure }) => firstFailure !== undefined)?.firstFailure}` : ''}
  within the time of each call, the way to it on this machine: ${hops}${bareMs > 0 ? `; bare calls of DynamoDB, in turns with these: p50 ${bareMs.toFixed(1)} ms` : ''}`,
    );
    const good = failed === 0 && perSecond > 0 && (mostP50Ms === undefined || p50Ms <= mostP50Ms);
    if (mostP50Ms !== undefined && !anything) console.log(`  target: p50 at most ${mostP50Ms} ms: ${good ? 'reached' : 'MISSED'}`);
    reached &&= good || (anything && failed === 0 && perSecond > 0);
  }
  progress.end();
  if (!anything) console.log(reached ? '\nall targets reached' : '\na target was missed');
  return reached;
}

type PointResult = {
  /** Of each server. */
  readonly results: readonly LoadResult[];
  readonly hops: string;
  /** The median of bare calls of DynamoDB; 0 where there are none, as beside 64 connections. */
  readonly bareMs: number;
};

async function measurePoint({ name, servers, connections, partitions }: Point, seconds: number): Promise<PointResult> {
  const random = seededRandom(1);
  const dynamo = createNetwork(bareDynamoCall, () => logNormal(random, dynamoMs.p50, dynamoMs.p99));
  const s3 = createNetwork(bareS3Call, ({ writes }) => logNormal(random, uploadMs.p50, uploadMs.p99) / (writes ? 1 : 2));
  const cloud = await startCloud({ dynamoFront: dynamo.start, s3Front: s3.start });
  try {
    const running = await Promise.all(Array.from({ length: servers }, () => startServer(cloud.server)));
    await createTopic((running[0] as (typeof running)[0]).url, partitions);
    const load = (url: string, turns: number, open: number, more: readonly Lane[] = []) =>
      runLoad({ lanes: [{ port: portOf(url), producers: 'none', headers: {} }, ...more], warmUpTurns: 1, turns, turnMs, name, partitions, offsets: [], connections: open });
    // A few dozen requests a second would not make V8 compile what they run through.
    await Promise.all(running.map(({ url }) => load(url, seconds, warmUpConnections)));
    const dynamoHopMs = await dynamo.measureHop();
    const s3HopMs = await s3.measureHop();
    const results = await Promise.all(running.map(({ url }) => load(url, seconds, connections / servers, connections === 1 ? [dynamo.bareLane()] : [])));
    for (const server of running) await server.stop();
    return { results: results.map(([result]) => result as LoadResult), bareMs: results[0]?.[1]?.p50Ms ?? 0, hops: `DynamoDB ${dynamoHopMs.toFixed(2)} ms, S3 ${s3HopMs.toFixed(2)} ms` };
  } finally {
    await cloud.stop();
  }
}

const bareDynamoCall = 'POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-amz-target: DynamoDB_20120810.ListTables\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}';
const bareS3Call = 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';

const portOf = (url: string): number => Number(new URL(url).port);

/**
 * Calls take as long as is drawn, as their sender sees it: the way through this machine to the front, and the front's own
 * work, are within that. They are what a call of a sender that does nothing else takes beyond what it is held back for.
 *
 * @param bareCall a request of which the emulator makes little
 */
function createNetwork(bareCall: string, draw: (call: StoreCall) => number) {
  const [calibrationMs, calibrations] = [8, 3];
  let calibrating = false;
  let hopMs = 0;
  let front: Front | undefined;
  const bareLane = (): Lane => ({ port: portOf(front?.endpoint ?? ''), producers: 'none', headers: {}, only: bareCall });
  return {
    bareLane,
    async start(emulator: Emulator): Promise<Front> {
      front = await startFront(emulator, { delayMs: (call) => (calibrating ? calibrationMs : Math.max(0, draw(call) - hopMs)) });
      return front;
    },
    /** The least of a few medians: what the machine's other work adds is not taken off. */
    async measureHop(): Promise<number> {
      calibrating = true;
      const medians: number[] = [];
      for (let i = 0; i < calibrations; i++) {
        const [result] = await runLoad({ lanes: [bareLane()], warmUpTurns: 1, turns: 1, turnMs, name: 'single', partitions: 1, offsets: [], connections: 1 });
        medians.push(result?.p50Ms ?? 0);
      }
      calibrating = false;
      hopMs = Math.max(0, Math.min(...medians) - calibrationMs);
      return hopMs;
    },
  };
}
