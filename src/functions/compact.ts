// The compactor as a function: one look at the work list, and what is due of it is carried out until the function's time
// is nearly over. The rest stays on the list for the next start. Two at once do no harm (src/broker/run-work.ts).

import type { Broker } from '../broker/broker.ts';
import { runDueWork } from '../broker/run-work.ts';
import type { CloudStores } from '../wiring/cloud.ts';
import { openForFunction } from '../wiring/functions.ts';
import type { Log } from '../wiring/log.ts';
import type { Invocation } from './serve.ts';

/** A step that is under way when so little time is left comes to its end. */
const marginMs = 5_000;

export type CompactorOptions = { readonly stores: Pick<CloudStores, 'ledger' | 'objects'>; readonly log: Log };

/** Answers how many work items it settled. @throws StoreFailure where the list cannot be read, which fails the invocation so that an alarm sees it */
export function createCompactor({ stores, log }: CompactorOptions): (invocation: Invocation) => Promise<{ readonly settled: number }> {
  let opened: Broker | undefined;
  return async (invocation) => {
    opened ??= await openForFunction(stores, {}, log);
    const settled = await runDueWork(opened, () => invocation.getRemainingTimeInMillis() < marginMs);
    if (settled > 0) log.write('info', 'work_done', { settled });
    return { settled };
  };
}
