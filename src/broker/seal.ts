// Sealing and rotating a partition's head, by whoever is elected or finds it full. Each step may be repeated by
// anybody at any time; a process that dies in between leaves nothing to repair.

import type { Head } from '../log/head.ts';
import { headKey } from '../log/keys.ts';
import { planRotate, planSeal } from '../log/seal.ts';
import type { Broker } from './broker.ts';
import type { Lane } from './committer.ts';
import { remember } from './head-view.ts';

/** Never rejects: who fails leaves it to the next one elected. Cost: at most two writes. */
export async function sealAndRotate(broker: Broker, lane: Lane, head: Head): Promise<void> {
  if (lane.sealing) return;
  lane.sealing = true;
  try {
    const seal = planSeal(lane.topicId, lane.partition, head);
    if (seal !== undefined) await broker.ledger.write(seal);
    const rotated = await broker.ledger.write(planRotate(headKey(lane.topicId, lane.partition), head));
    if (rotated.applied) broker.telemetry.count('rotations');
    if (rotated.item !== undefined) remember(broker, lane, rotated.item);
  } catch (error) {
    broker.telemetry.report('rotation_failed', { topicId: lane.topicId, partition: lane.partition }, error);
  } finally {
    lane.sealing = false;
  }
}
