// Bringing idle partitions to rest: what their heads still list is sealed, so that the window is empty and every pin from
// before is refused (docs/PROTOCOL.md, 2.13). A partition with appends has one item of work: who finds the window empty
// puts it, a compactor moves it on as long as there are appends, and brings the partition to rest when there are none.

import type { Head } from '../log/head.ts';
import type { TopicId } from '../log/keys.ts';
import { isAtRest, planTailWork } from '../log/tail.ts';
import type { Broker } from './broker.ts';
import type { Lane } from './committer.ts';
import { readHead } from './head-view.ts';
import { sealAndRotate } from './seal.ts';

/**
 * Behind the answer to an append, by its writer. Who rotates puts it again, once in the idle time and process, for the one
 * that was lost with the process that was to put it. @param refs that it added
 */
export function leaveTailWork(broker: Broker, lane: Lane, head: Head, refs: number, elected: boolean): void {
  const { idleTailMs } = broker.policy;
  if (idleTailMs === undefined) return;
  const { topicId, partition } = lane;
  const nowMs = broker.clock.monotonicMs();
  const foundAtRest = head.previous.length === 0 && head.current.length === refs;
  const longAgo = lane.tailWorkAtMs === undefined || nowMs - lane.tailWorkAtMs >= idleTailMs;
  if (!foundAtRest && !(elected && longAgo)) return;
  lane.tailWorkAtMs = nowMs;
  const put = broker.ledger.write(planTailWork(topicId, partition, head.nextOffset, broker.clock.nowMs(), idleTailMs));
  broker.background.add(put.catch((error: unknown) => broker.telemetry.report('tail_work_not_left', { topicId, partition }, error)));
}

/**
 * Due work on a tail, which ended at `seenOffset` when it was put. Answers whether the item may go: the partition is at rest
 * or gone, or there is a later item. Cost: a read; 3 writes to bring it to rest, one to move on.
 */
export async function settleTail(broker: Broker, topicId: TopicId, partition: number, seenOffset: number): Promise<boolean> {
  const { idleTailMs } = broker.policy;
  if (idleTailMs === undefined) return false;
  const lane = broker.committer.laneOf(topicId, partition);
  const head = await readHead(broker, lane);
  if (head === undefined || head.deleting || isAtRest(head)) return true;
  if (head.nextOffset === seenOffset && (await seal(broker, lane))) return true;
  await broker.ledger.write(planTailWork(topicId, partition, head.nextOffset, broker.clock.nowMs(), idleTailMs));
  return true;
}

/** Whether nothing is left in the window. An append in between stays in it, which is no harm. */
async function seal(broker: Broker, lane: Lane): Promise<boolean> {
  // `current` becomes `previous`, and is sealed by the next one.
  for (let rotations = 0; rotations < 2; rotations++) {
    const head = await readHead(broker, lane);
    if (head === undefined || isAtRest(head)) return true;
    await sealAndRotate(broker, lane, head);
  }
  const head = await readHead(broker, lane);
  return head === undefined || isAtRest(head);
}
