// Many seeds at once, on as many threads as there are processors.

import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Order, Report } from './worker.ts';

/**
 * Runs the orders, in any order; `report` is called for each as it ends, and answers whether to go on.
 * @throws whatever a worker died of
 */
export async function runOrders(orders: readonly Order[], report: (report: Report) => boolean): Promise<void> {
  let next = 0;
  let goOn = true;
  const threads = Math.min(availableParallelism(), orders.length);
  await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL('worker.ts', import.meta.url));
      try {
        for (let order = orders[next++]; goOn && order !== undefined; order = orders[next++]) {
          worker.postMessage(order);
          const [ended] = (await once(worker, 'message')) as [Report];
          goOn = report(ended) && goOn;
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
}
