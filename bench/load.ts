// The load: a process of its own with raw sockets, one request in flight on each, and request bytes that were built
// before. Started by run.ts with an IPC channel; answers how many requests succeeded while it measured.

import { connect } from 'node:net';
import { type BenchRequest, buildRequests, type CaseName, type Producers } from './cases.ts';
import { createHistogram } from './histogram.ts';
import { createResponseParser } from './response-parser.ts';

export type LoadOrder = {
  readonly port: number;
  readonly name: CaseName;
  readonly partitions: number;
  readonly offsets: readonly number[];
  readonly producers: Producers;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
};

export type LoadResult = {
  /** Answers with a status of 2xx within the time measured. */
  readonly succeeded: number;
  readonly failed: number;
  readonly firstFailure: string | undefined;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bodyBytes: number;
};

process.once('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit(1));

async function run({ port, name, partitions, offsets, producers, headers, connections, warmUpMs, measureMs }: LoadOrder): Promise<LoadResult> {
  const requests = buildRequests(name, partitions, offsets, headers, producers);
  const histogram = createHistogram();
  let succeeded = 0;
  let failed = 0;
  let firstFailure: string | undefined;
  let bodyBytes = 0;
  const startAt = performance.now() + warmUpMs;
  const stopAt = startAt + measureMs;

  const connection = (index: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const own = shareOf(requests, index, connections);
      const sequences = new Array<number>(partitions).fill(0);
      let next = 0;
      let sentAt = 0;
      const send = () => {
        const { bytes, partition, records, stamp } = own[next++ % own.length] as BenchRequest;
        const sequence = sequences[partition] ?? 0;
        stamp?.(firstProducer + index, sequence);
        sequences[partition] = sequence + records;
        sentAt = performance.now();
        socket.write(bytes);
      };
      const parse = createResponseParser((status, bytes) => {
        const now = performance.now();
        if (now >= startAt && now < stopAt) {
          const ok = status >= 200 && status < 300;
          if (ok) succeeded++;
          else failed++;
          if (!ok) firstFailure ??= `status ${status}`;
          bodyBytes += bytes;
          histogram.add((now - sentAt) * 1000);
        }
        if (now < stopAt) send();
        else socket.end(resolve);
      });
      socket.on('connect', send);
      socket.on('data', (chunk) => {
        try {
          parse(chunk);
        } catch (error) {
          reject(error);
        }
      });
      socket.on('error', reject);
      socket.on('close', () => (performance.now() < stopAt ? reject(new Error('the server closed a connection under load')) : resolve()));
    });

  await Promise.all(Array.from({ length: connections }, (_, index) => connection(index)));
  return { succeeded, failed, firstFailure, seconds: measureMs / 1000, p50Ms: histogram.percentile(0.5) / 1000, p99Ms: histogram.percentile(0.99) / 1000, bodyBytes };
}

/** Like those that are drawn: near 2^53. */
const firstProducer = 9_000_000_000_000_000;

/** Those that one connection sends, none of which another sends; where there are too few, all of them, from another one on. */
function shareOf(requests: readonly BenchRequest[], index: number, connections: number): readonly BenchRequest[] {
  const [from, to] = [index, index + 1].map((i) => Math.floor((requests.length * i) / connections)) as [number, number];
  return to > from && requests.some(({ stamp }) => stamp !== undefined) ? requests.slice(from, to) : [...requests.slice(from), ...requests.slice(0, from)];
}
