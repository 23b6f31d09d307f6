// The ledger of the embedded home: SQLite in WAL mode with synchronous=FULL. Writes are carried out by one thread,
// many in one transaction with one sync (write-queue.ts, sqlite-worker.ts, sqlite-store.ts); reads are answered
// here (sqlite-reads.ts). A write is durable when it answers, and visible to nobody before.
// The file must not be opened by anything else in this process: closing any descriptor of it drops SQLite's locks.

import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { InvalidWrite, type Write } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { ReceivedAnswer } from './answer-codec.ts';
import { syncFolder } from './files.ts';
import { sqliteReads } from './sqlite-reads.ts';
import { openReader } from './sqlite-schema.ts';
import { maxItemBytes } from './sqlite-store.ts';
import type { FromWorker, ToWorker } from './sqlite-worker.ts';
import { writeQueue } from './write-queue.ts';

const maxWritesTogether = 1000;
/** Of the microtask queue: callers that one answer has set free reach their next write by paths of different length. */
const turnsBeforeFlush = 12;

type LedgerStats = {
  /** Transactions that changed something, each with one sync. */
  readonly transactions: number;
  /** Calls of write and writeAll that were answered. */
  readonly calls: number;
  readonly checkpoints: number;
  readonly checkpointMs: number;
};

export type SqliteLedger = Ledger & {
  /** Whether it takes writes: not once it is closed, its thread has ended, or a failure stopped the store. */
  writable(): boolean;
  stats(): LedgerStats;
  /** Carries out what waits, puts the WAL into the database and ends the thread. Later calls fail with "closed". */
  close(): Promise<void>;
};

/**
 * Opens or creates the database file `path`, whose folder must exist and belong to this process (data-folder.ts).
 * @throws StoreFailure "newer", "corrupt", "full", "unavailable".
 */
export async function openSqliteLedger(path: string): Promise<SqliteLedger> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: { path }, name: 'wadi-ledger' });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const queue = writeQueue();
  let stats = { transactions: 0, checkpoints: 0, checkpointMs: 0 };
  let calls = 0;
  let scheduled = false;
  let stopped = false;
  let state: 'open' | 'closing' | 'closed' = 'open';
  let closed: Promise<void> | undefined;
  let onIdle: (() => void) | undefined;

  await new Promise<void>((resolve, reject) => {
    worker.once('error', (error) => reject(new StoreFailure('unavailable', 'none', `the thread of the ledger did not start: ${error.message}`, error)));
    worker.once('message', (message: FromWorker) => (message.kind === 'failed' ? reject(new StoreFailure(message.reason, 'none', message.message)) : resolve()));
  });
  await syncFolder(dirname(path));
  const reader = openReader(path);
  const reads = sqliteReads(reader);

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'stopped') stopped = true;
    if (message.kind !== 'flushed') return;
    stats = message.stats;
    const answer = queue.settle(message.answers, message.chunks);
    flush();
    answer();
    if (queue.idle) onIdle?.();
  });
  worker.on('error', died);
  void exited.then(() => died());

  function died(cause?: unknown): void {
    if (state === 'open') reader.close();
    state = 'closed';
    queue.fail(new StoreFailure('unavailable', 'unknown', 'the thread of the ledger ended; restart the server', cause));
    onIdle?.();
  }

  function flush(): void {
    scheduled = false;
    const next = queue.next();
    if (next === undefined) return;
    const buffers = next.chunks.map(({ buffer }) => buffer);
    worker.postMessage(next satisfies ToWorker, buffers);
  }

  function flushAfter(turns: number): void {
    if (turns === 0) flush();
    else queueMicrotask(() => flushAfter(turns - 1));
  }

  async function submit(writes: readonly Write[]): Promise<Exclude<ReceivedAnswer, { status: 'invalid' | 'failed' }>> {
    assertOpen();
    const answered = queue.add(writes);
    if (!scheduled) {
      // What else is about to be written shares the transaction, such as the next commits of all partitions that
      // one answer has set free; nothing waits for other events, nor for what the answers lead to.
      scheduled = true;
      flushAfter(turnsBeforeFlush);
    }
    const answer = await answered;
    calls++;
    if (answer.status === 'invalid') throw new InvalidWrite(answer.message);
    if (answer.status === 'failed') throw answer.failure;
    return answer;
  }

  function assertOpen(): void {
    if (state !== 'open') throw new StoreFailure('closed', 'none', 'the ledger is closed');
  }

  async function close(): Promise<void> {
    if (state === 'closed') return;
    state = 'closing';
    if (!queue.idle) {
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    }
    reader.close();
    worker.postMessage({ kind: 'close' } satisfies ToWorker);
    await exited;
  }

  return {
    limits: { maxItemBytes, maxWritesTogether },
    async read(keys) {
      assertOpen();
      return reads.read(keys);
    },
    async scan(range) {
      assertOpen();
      return reads.scan(range);
    },
    async write(write) {
      const answer = await submit([write]);
      if (answer.status === 'applied') return { applied: true, item: answer.items[0] };
      return { applied: false, item: answer.outcomes[0]?.item };
    },
    async writeAll(writes) {
      assertTogether(writes);
      if (writes.length === 0) return { applied: true, items: [] };
      const answer = await submit(writes);
      return answer.status === 'applied' ? { applied: true, items: answer.items } : { applied: false, outcomes: answer.outcomes };
    },
    writable: () => state === 'open' && !stopped,
    stats: () => ({ ...stats, calls }),
    close: () => (closed ??= close()),
  };
}

function assertTogether(writes: readonly Write[]): void {
  if (writes.length > maxWritesTogether) throw new InvalidWrite(`more than ${maxWritesTogether} writes together`);
  if (new Set(writes.map(({ key }) => `${key.pk}\0${key.sk}`)).size < writes.length) throw new InvalidWrite('two writes of a writeAll touch the same item');
}
