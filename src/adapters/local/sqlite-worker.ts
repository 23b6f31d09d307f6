// The writing thread: takes one flush at a time from its port, answers it, and only then thinks of checkpoints.
// The buffers that brought a flush go back with its answer, to be used again.

import { parentPort, workerData } from 'node:worker_threads';
import { StoreFailure } from '../../ports/failure.ts';
import { encodeAnswers } from './answer-codec.ts';
import { openSqliteStore, type StoreStats } from './sqlite-store.ts';
import { readEntry } from './write-codec.ts';

/** `entries`: for each the index of its chunk, and where in it it starts and ends. */
export type Flush = { readonly kind: 'flush'; readonly chunks: readonly Uint8Array<ArrayBuffer>[]; readonly entries: readonly (readonly [chunk: number, start: number, end: number])[] };
export type ToWorker = Flush | { readonly kind: 'close' };
export type FromWorker =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly reason: StoreFailure['reason']; readonly message: string }
  | { readonly kind: 'flushed'; readonly answers: Uint8Array; readonly chunks: readonly Uint8Array<ArrayBuffer>[]; readonly stats: StoreStats }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'closed' };

const port = parentPort;
if (port !== null) {
  const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  try {
    const store = openSqliteStore((workerData as { path: string }).path);
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'close') {
        store.close();
        post({ kind: 'closed' });
        port.close();
        return;
      }
      const { chunks, entries } = message;
      const answers = encodeAnswers(store.run(entries.map(([chunk, start, end]) => readEntry(chunks[chunk] as Uint8Array, start, end))));
      if (store.stopped()) post({ kind: 'stopped' });
      post({ kind: 'flushed', answers, chunks, stats: store.stats }, [answers.buffer, ...chunks.map(({ buffer }) => buffer)]);
      store.checkpointIfDue();
      if (store.stopped()) post({ kind: 'stopped' });
    });
    post({ kind: 'opened' });
  } catch (error) {
    const reason = error instanceof StoreFailure ? error.reason : 'unavailable';
    post({ kind: 'failed', reason, message: error instanceof Error ? error.message : String(error) });
    port.close();
  }
}
