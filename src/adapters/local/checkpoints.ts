// When what changed goes into SQLite, and what follows: the table need not hold it any longer, and journal files in
// which nothing stands go. One checkpoint at a time, on a thread of its own, while groups go on.

import { Worker } from 'node:worker_threads';
import { StoreFailure } from '../../ports/failure.ts';
import { encodeRows } from './checkpoint-format.ts';
import type { FromWorker, ToWorker } from './checkpoint-worker.ts';
import type { ItemTable } from './item-table.ts';
import { type Journal, type JournalPosition, maxFileBytes } from './journal.ts';

const mib = 1024 * 1024;
/** A checkpoint is due beyond any of these. The second bounds what a start has to read again. */
const due = { changedItems: 2048, journalBytes: 192 * mib, changedBytes: 8 * mib };
/** While one is under way, or cannot be made for want of space, groups wait beyond this (I13). */
const most = { changedItems: 16 * due.changedItems, journalBytes: 2 * due.journalBytes, changedBytes: 8 * due.changedBytes };
/** After one that failed for want of space. */
const retryMs = 1000;

export type Checkpoints = {
  readonly stats: { checkpoints: number; checkpointMs: number };
  /** Starts one if it is due. */
  consider(): void;
  /** Resolves when there is room for further changes. @throws StoreFailure where a checkpoint failed for want of room */
  room(): Promise<void>;
  /** Makes a last one and ends the thread. */
  close(): Promise<void>;
};

/** `.ts` in a clone, `.js` in a package. */
const ownExtension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

export type CheckpointThread = {
  readonly worker: Worker;
  /** Resolves when the thread has ended, with the error that ended it, if one did. */
  readonly ended: Promise<unknown>;
};

/** Opens the database on the thread, which makes it where there is none. @throws StoreFailure */
export async function startCheckpointThread(path: string): Promise<CheckpointThread> {
  const worker = new Worker(new URL(`./checkpoint-worker${ownExtension}`, import.meta.url), { workerData: { path }, name: 'wadi-checkpoints' });
  let cause: unknown;
  worker.on('error', (error) => (cause = error));
  const ended = new Promise<unknown>((resolve) => worker.once('exit', () => resolve(cause)));
  await new Promise<void>((resolve, reject) => {
    void ended.then(() => reject(gone(cause)));
    worker.once('message', (message: FromWorker) => (message.kind === 'failed' ? reject(new StoreFailure(message.reason, 'none', message.message)) : resolve()));
  });
  return { worker, ended };
}

/** @param onStopped no checkpoint can be made any more, and so no change be taken */
export function createCheckpoints(thread: CheckpointThread, table: ItemTable, journal: Journal, savedEnd: JournalPosition, onStopped: (failure: StoreFailure) => void): Checkpoints {
  const { worker } = thread;
  const stats = { checkpoints: 0, checkpointMs: 0 };
  let saved = savedEnd;
  let underWay: { readonly end: JournalPosition; readonly done: (failure?: StoreFailure) => void; readonly ended: Promise<StoreFailure | undefined> } | undefined;
  let notBeforeMs = 0;
  let lastFailure: StoreFailure | undefined;
  let ended = false;
  let removal: Promise<void> = Promise.resolve();

  worker.on('message', (message: FromWorker) => {
    const made = underWay;
    if (made === undefined || message.kind === 'opened') return;
    underWay = undefined;
    if (message.kind === 'saved') {
      table.saved(made.end.sequence);
      saved = made.end;
      stats.checkpoints++;
      stats.checkpointMs += message.ms;
      lastFailure = undefined;
      // What cannot be removed now is removed at the next start.
      removal = removal.then(() => journal.remove(message.dead)).catch(() => undefined);
      made.done();
      return;
    }
    lastFailure = new StoreFailure(message.reason, 'none', message.message);
    if (message.reason === 'full') notBeforeMs = performance.now() + retryMs;
    else onStopped(lastFailure);
    made.done(lastFailure);
  });
  void thread.ended.then(died);

  function died(cause: unknown): void {
    if (ended) return;
    ended = true;
    const failure = gone(cause);
    onStopped(failure);
    underWay?.done(failure);
    underWay = undefined;
  }

  function start(): Promise<StoreFailure | undefined> {
    if (underWay !== undefined) return underWay.ended;
    const rows = encodeRows(table.changed());
    let done: (failure?: StoreFailure) => void = () => {};
    const over = new Promise<StoreFailure | undefined>((resolve) => {
      done = resolve;
    });
    underWay = { end: journal.end(), done, ended: over };
    worker.postMessage({ kind: 'checkpoint', rows, end: underWay.end } satisfies ToWorker, [rows.buffer]);
    return over;
  }

  const isBeyond = (bounds: typeof due): boolean => {
    const { file, position } = journal.end();
    const journalBytes = (file - saved.file) * maxFileBytes + position - saved.position;
    return table.changedCount >= bounds.changedItems || table.changedBytes >= bounds.changedBytes || journalBytes >= bounds.journalBytes;
  };
  const mayStart = (): boolean => !ended && performance.now() >= notBeforeMs;

  return {
    stats,
    consider() {
      if (underWay === undefined && isBeyond(due) && mayStart()) void start();
    },
    async room() {
      while (isBeyond(most)) {
        if (underWay === undefined && !mayStart()) throw lastFailure ?? gone();
        const failure = await start();
        if (failure !== undefined) throw failure;
      }
    },
    async close() {
      if (!ended) {
        // One that is under way may be of an earlier end.
        await underWay?.ended;
        if (!ended && table.changedCount > 0) await start();
      }
      if (!ended) {
        ended = true;
        worker.postMessage({ kind: 'close' } satisfies ToWorker);
      }
      await thread.ended;
      await removal;
    },
  };
}

const gone = (cause?: unknown): StoreFailure => new StoreFailure('unavailable', 'none', 'the thread of the ledger ended; restart the server', cause);
