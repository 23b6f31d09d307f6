// Sealing and rotating a partition's head, by whoever is elected or finds it full. Each step may be repeated by
// anybody at any time; a process that dies in between leaves nothing to repair.

import type { Head } from '../log/head.ts';
import { headKey } from '../log/keys.ts';
import { type Evictable, leaving, planEvict, planSpill } from '../log/producers.ts';
import { planRotate, planSeal } from '../log/seal.ts';
import type { WriteOutcome } from '../log/write.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';
import type { Lane } from './committer.ts';
import { remember } from './head-view.ts';

/**
 * Producers whose batches leave the window leave the head with the rotation, after they were spilled. Never rejects: who
 * fails leaves it to the next one elected. Cost: at most two writes, and one for each producer that leaves.
 */
export async function sealAndRotate(broker: Broker, lane: Lane, head: Head): Promise<void> {
  if (lane.sealing) return;
  lane.sealing = true;
  try {
    const seal = planSeal(lane.topicId, lane.partition, head);
    const [spilled] = await Promise.all([spill(broker, lane, leaving(head, broker.policy.producersStayCommits)), seal === undefined ? undefined : broker.ledger.write(seal)]);
    const rotated = await rotate(broker, lane, head, spilled.slice(0, limits.maxEvictionsTogether));
    if (rotated.applied) broker.telemetry.count('rotations');
    if (rotated.item !== undefined) remember(broker, lane, rotated.item);
    for (let i = limits.maxEvictionsTogether; rotated.applied && i < spilled.length; i += limits.maxEvictionsTogether) {
      await broker.ledger.write(planEvict(headKey(lane.topicId, lane.partition), spilled.slice(i, i + limits.maxEvictionsTogether)));
    }
  } catch (error) {
    broker.telemetry.report('rotation_failed', { topicId: lane.topicId, partition: lane.partition }, error);
  } finally {
    lane.sealing = false;
  }
}

/** Behind the answer: does not wait for it. */
export const rotateBehind = (broker: Broker, lane: Lane, head: Head): void => broker.background.add(sealAndRotate(broker, lane, head));

/** Answers those that may leave the head. One that was not stored stays: the next rotation tries again. */
async function spill(broker: Broker, lane: Lane, producers: readonly Evictable[]): Promise<Evictable[]> {
  const nowMs = broker.clock.nowMs();
  const stored = await Promise.all(
    producers.map((producer) =>
      broker.ledger.write(planSpill(lane.topicId, lane.partition, producer, nowMs)).then(
        () => [producer],
        () => [],
      ),
    ),
  );
  return stored.flat();
}

/** A producer that has appended meanwhile must not hold the rotation up: then it goes without them. */
async function rotate(broker: Broker, lane: Lane, head: Head, spilled: readonly Evictable[]): Promise<WriteOutcome> {
  const key = headKey(lane.topicId, lane.partition);
  const rotated = await broker.ledger.write(planRotate(key, head, spilled));
  if (rotated.applied || spilled.length === 0 || rotated.item?.['g'] !== head.rotation) return rotated;
  return broker.ledger.write(planRotate(key, head));
}
