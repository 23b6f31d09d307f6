// The load: a process of its own with raw sockets, one request in flight on each, and request bytes that were built
// before. Started by run.ts with an IPC channel; answers how many requests succeeded while it measured.

import { once } from 'node:events';
import { connect } from 'node:net';
import { type BenchRequest, buildRequests, type CaseName, type Producers } from './cases.ts';
import { createHistogram } from './histogram.ts';
import { createResponseParser } from './response-parser.ts';

/** Where requests go to, from connections of their own. */
export type Lane = {
  readonly port: number;
  readonly producers: Producers;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** A whole HTTP request, sent again and again in place of those of the case; any answer to it will do. */
  readonly only?: string;
};

export type LoadOrder = {
  /** Loaded in turns, one at a time: none is idle for so long that its server closes connections. */
  readonly lanes: readonly Lane[];
  /** That are not measured, before those that are. */
  readonly warmUpTurns: number;
  readonly turns: number;
  readonly turnMs: number;
  readonly name: CaseName;
  readonly partitions: number;
  readonly offsets: readonly number[];
  readonly connections: number;
};

/** Of one lane. */
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
    (results) => process.send?.(results, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit(1));

async function run(order: LoadOrder): Promise<LoadResult[]> {
  const lanes = await Promise.all(order.lanes.map((lane) => openLane(lane, order)));
  for (let turn = -order.warmUpTurns; turn < order.turns; turn++) {
    // Who goes first changes from turn to turn.
    for (const lane of turn % 2 === 0 ? lanes : lanes.toReversed()) await lane.load(order.turnMs, turn >= 0);
  }
  return lanes.map((lane) => lane.close());
}

type OpenLane = {
  /** One request in flight on each connection, for so long; resolves when all are answered. */
  load(ms: number, counted: boolean): Promise<void>;
  close(): LoadResult;
};

async function openLane({ port, producers, headers, only }: Lane, { name, partitions, offsets, connections }: LoadOrder): Promise<OpenLane> {
  const requests = only === undefined ? buildRequests(name, partitions, offsets, headers, producers) : [{ bytes: Buffer.from(only), partition: 0, records: 0 }];
  const histogram = createHistogram();
  let succeeded = 0;
  let failed = 0;
  let firstFailure: string | undefined;
  let bodyBytes = 0;
  let seconds = 0;
  let counted = false;
  let startAt = 0;
  let stopAt = 0;

  const count = (status: number, bytes: number, tookMs: number): void => {
    const ok = (status >= 200 && status < 300) || only !== undefined;
    if (ok) succeeded++;
    else failed++;
    if (!ok) firstFailure ??= `status ${status}`;
    bodyBytes += bytes;
    histogram.add(tookMs * 1000);
  };

  const openConnection = async (index: number) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const own = shareOf(requests, index, connections);
    const sequences = new Array<number>(partitions).fill(0);
    let next = 0;
    let sentAt = 0;
    let turn: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
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
      if (counted && now >= startAt && now < stopAt) count(status, bytes, now - sentAt);
      if (now < stopAt) send();
      else turn?.resolve();
    });
    socket.on('data', (chunk) => {
      try {
        parse(chunk);
      } catch (error) {
        turn?.reject(error as Error);
      }
    });
    socket.on('error', (error) => turn?.reject(error));
    socket.on('close', () => turn?.reject(new Error('the server closed a connection under load')));
    return {
      load: () =>
        new Promise<void>((resolve, reject) => {
          turn = { resolve, reject };
          if (socket.closed) reject(new Error('the server closed a connection between two turns'));
          else send();
        }),
      close: () => socket.destroy(),
    };
  };

  const open = await Promise.all(Array.from({ length: connections }, (_, index) => openConnection(index)));
  return {
    async load(ms, isCounted) {
      counted = isCounted;
      startAt = performance.now();
      stopAt = startAt + ms;
      if (counted) seconds += ms / 1000;
      await Promise.all(open.map((connection) => connection.load()));
    },
    close() {
      for (const connection of open) connection.close();
      return { succeeded, failed, firstFailure, seconds, p50Ms: histogram.percentile(0.5) / 1000, p99Ms: histogram.percentile(0.99) / 1000, bodyBytes };
    },
  };
}

/** Like those that are drawn: near 2^53. */
const firstProducer = 9_000_000_000_000_000;

/** Those that one connection sends, none of which another sends; where there are too few, all of them, from another one on. */
function shareOf(requests: readonly BenchRequest[], index: number, connections: number): readonly BenchRequest[] {
  const [from, to] = [index, index + 1].map((i) => Math.floor((requests.length * i) / connections)) as [number, number];
  return to > from && requests.some(({ stamp }) => stamp !== undefined) ? requests.slice(from, to) : [...requests.slice(from), ...requests.slice(0, from)];
}
