// Work that a request left for later, found in the ledger: topics to clear away. Any server may run it, at any
// time and twice; a work item goes only when nothing is left to do.

import { topicOfWork, workDueAt, workShards } from '../log/keys.ts';
import type { Broker } from './broker.ts';
import { beginDelete, clearAway } from './delete-topic.ts';
import { readTopic } from './topic-cache.ts';

const pageSize = 100;

/** Runs what is due; answers how many items it settled. @throws StoreFailure */
export async function runDueWork(broker: Broker): Promise<number> {
  let settled = 0;
  for (const pk of workShards) {
    for (;;) {
      const page = await broker.ledger.scan({ pk, to: workDueAt(broker.clock.nowMs()), limit: pageSize, strong: true });
      for (const { sk } of page.items) {
        await settle(broker, topicOfWork(sk));
        await broker.ledger.write({ key: { pk, sk }, action: 'delete', guards: [] });
        settled += 1;
      }
      if (page.items.length === 0) break;
    }
  }
  return settled;
}

/** A live topic needs nothing: its maker came to the end after all. */
async function settle(broker: Broker, topicId: string): Promise<void> {
  const topic = await readTopic(broker.ledger, topicId);
  if (topic === undefined || topic.state === 'live') return;
  if (await beginDelete(broker, topic)) await clearAway(broker, topicId);
}
