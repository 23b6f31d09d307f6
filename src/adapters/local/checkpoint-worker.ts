// The thread that writes checkpoints into SQLite, so that the thread which answers requests never waits for it.

import { parentPort, workerData } from 'node:worker_threads';
import { type FailureReason, StoreFailure } from '../../ports/failure.ts';
import type { Checkpoint } from './checkpoint-format.ts';
import { decodeRows } from './checkpoint-format.ts';
import { openCheckpointStore } from './sqlite-checkpoint.ts';

export type ToWorker = Checkpoint | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'opened' }
  | { readonly kind: 'saved' /** Journal files in which nothing stands any more. */; readonly dead: readonly number[]; readonly ms: number }
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly message: string };

const port = parentPort;
if (port !== null) {
  const post = (message: FromWorker): void => port.postMessage(message);
  const failed = (error: unknown): FromWorker => ({
    kind: 'failed',
    reason: error instanceof StoreFailure ? error.reason : 'unavailable',
    message: error instanceof Error ? error.message : String(error),
  });
  try {
    const store = openCheckpointStore((workerData as { path: string }).path);
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'close') {
        store.close();
        port.close();
        return;
      }
      const startMs = performance.now();
      try {
        const dead = store.save(decodeRows(message.rows), message.end);
        post({ kind: 'saved', dead, ms: performance.now() - startMs });
      } catch (error) {
        post(failed(error));
      }
    });
    post({ kind: 'opened' });
  } catch (error) {
    post(failed(error));
    port.close();
  }
}
