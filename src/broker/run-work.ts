// Work that a request left for later, found in the ledger: topics to clear away, and partitions to bring to rest. Any
// server may run it, at any time and twice; a work item goes only when nothing is left to do.

import { reader } from '../log/format.ts';
import { placeOfWork, workDueAt, workShards } from '../log/keys.ts';
import type { Item, Key } from '../log/write.ts';
import type { Broker } from './broker.ts';
import { beginDelete, clearAway } from './delete-topic.ts';
import { settleTail } from './idle-tail.ts';
import { readTopic } from './topic-cache.ts';

const pageSize = 100;

/**
 * Runs what is due; answers how many items it settled. An item that fails is reported and stays for the next run.
 * @param stopped asked between items and pages: what is left is done by a later run
 * @throws StoreFailure where the ledger cannot be searched for work
 */
export async function runDueWork(broker: Broker, stopped: () => boolean = () => false): Promise<number> {
  // What becomes due meanwhile is the next run's.
  const to = workDueAt(broker.clock.nowMs());
  let settled = 0;
  for (const pk of workShards) {
    let from: string | undefined;
    for (;;) {
      const page = await broker.ledger.scan({ pk, ...(from === undefined ? {} : { from }), to, limit: pageSize, strong: true });
      for (const { sk, item } of page.items) {
        if (stopped()) return settled;
        if (await settle(broker, { pk, sk }, item, stopped)) settled += 1;
        // Nothing sorts between a key and itself with the lowest printable character behind it.
        from = `${sk} `;
      }
      if (page.items.length === 0) break;
    }
  }
  return settled;
}

async function settle(broker: Broker, key: Key, item: Item, stopped: () => boolean): Promise<boolean> {
  try {
    const { topicId, partition } = placeOfWork(key.sk);
    const done = partition === undefined ? await workOn(broker, topicId, stopped) : await settleTail(broker, topicId, partition, reader(item, 'Work on a tail').number('nx'));
    if (!done) return false;
    await broker.ledger.write({ key, action: 'delete', guards: [] });
    return true;
  } catch (error) {
    broker.telemetry.report('due_work_failed', { work: `${key.pk} ${key.sk}` }, error);
    return false;
  }
}

/** Whether nothing is left to do. A live topic needs nothing: its maker came to the end after all. Nor does a tombstone. */
async function workOn(broker: Broker, topicId: string, stopped: () => boolean): Promise<boolean> {
  const topic = await readTopic(broker.ledger, topicId);
  if (topic === undefined || topic.state === 'live' || topic.state === 'deleted') return true;
  if (!(await beginDelete(broker, topic))) return true;
  return clearAway(broker, topic, stopped);
}
