// The group committer. It gathers what waits for the same partition and commits it at once; it waits for
// nobody: an idle partition commits what comes, and what arrives while its commit is in flight forms the next
// one. One commit at a time per partition and process, so requests stand in the order in which they came (I6).

import type { TopicId } from '../log/keys.ts';
import { follows, type Producer } from '../log/producers.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { createPace, type Pace } from './admission.ts';
import type { Broker } from './broker.ts';
import { commitGroups, type Group } from './commit.ts';
import { partitionBusy } from './failures.ts';
import type { HeadView } from './head-view.ts';

/** Whole record batches of one request for one partition, offsets zero. */
export type AppendPart = {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly maxTimestamp: number;
  readonly expectedOffset?: number;
  /** Of the first batch; the others follow it. */
  readonly producer?: Producer;
};

export type AppendResult =
  /** `repeat`: by an earlier request. */
  | { readonly baseOffset: number; readonly repeat?: true }
  /** It stands by an earlier request; where is not known any more. */
  | { readonly duplicate: true }
  | { readonly error: WadiError };

/** A part that waits, and where its answer goes. */
export type Waiting = AppendPart & { readonly queuedAtMs: number; readonly settle: (result: AppendResult) => void };

/** One partition, as this process writes to it. */
export type Lane = {
  readonly topicId: TopicId;
  readonly partition: number;
  readonly queue: Waiting[];
  queuedBytes: number;
  /** What is being committed. */
  inFlight: Group | undefined;
  sealing: boolean;
  /** When this process left work on its tail. */
  tailWorkAtMs: number | undefined;
  view: HeadView | undefined;
  /** Where the ledger takes only so many writes of one item. */
  readonly pace: Pace | undefined;
};

export type Committer = {
  /** Never rejects. */
  append(topicId: TopicId, partition: number, part: AppendPart): Promise<AppendResult>;
  /** Refuses what comes from now on; resolves when nothing waits any more. */
  close(): Promise<void>;
  /** Of all partitions: what waits for its commit to begin. */
  queuedBytes(): number;
  /** What this process knows of a partition. */
  laneOf(topicId: TopicId, partition: number): Lane;
};

export function createCommitter(broker: () => Broker): Committer {
  /** By topic, then by partition: to look one up makes no text of both. */
  const lanes = new Map<TopicId, Map<number, Lane>>();
  let laneCount = 0;
  const ready = new Set<Lane>();
  /** Those that wait for their pace, and how to end that. */
  const paced = new Map<Lane, () => void>();
  let scheduled = false;
  let active = 0;
  let closed: Promise<void> | undefined;
  let idle: (() => void) | undefined;

  function laneOf(topicId: TopicId, partition: number): Lane {
    return lanes.get(topicId)?.get(partition) ?? makeLane(topicId, partition);
  }

  function makeLane(topicId: TopicId, partition: number): Lane {
    if (laneCount >= limits.maxPartitionCacheEntries) forgetIdleLanes();
    const rate = broker().ledger.limits.itemWriteUnitsPerSecond;
    const pace = rate === undefined ? undefined : createPace(broker(), rate);
    const lane: Lane = { topicId, partition, queue: [], queuedBytes: 0, inFlight: undefined, sealing: false, tailWorkAtMs: undefined, view: undefined, pace };
    const ofTopic = lanes.get(topicId);
    if (ofTopic === undefined) lanes.set(topicId, new Map([[partition, lane]]));
    else ofTopic.set(partition, lane);
    laneCount++;
    return lane;
  }

  function forgetIdleLanes(): void {
    for (const [topicId, ofTopic] of lanes) {
      for (const [partition, lane] of ofTopic) if (lane.inFlight === undefined && lane.queue.length === 0 && ofTopic.delete(partition)) laneCount--;
      if (ofTopic.size === 0) lanes.delete(topicId);
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(flush);
  }

  function flush(): void {
    scheduled = false;
    const groups: Group[] = [];
    for (const lane of ready) {
      if (holdBack(lane)) continue;
      const entries = takeGroup(lane, broker().clock.monotonicMs());
      if (entries.length === 0) continue;
      lane.pace?.begin();
      groups.push({ lane, entries });
    }
    ready.clear();
    for (const group of groups) group.lane.inFlight = group;
    active += groups.length;
    commitGroups(broker(), groups, decided);
    if (isIdle()) idle?.();
  }

  /** Whether the lane's pace makes it wait; it then comes back by itself. Who is about to stop waits for nothing. */
  function holdBack(lane: Lane): boolean {
    const waitMs = lane.pace?.waitMs() ?? 0;
    if (waitMs <= 0 || closed !== undefined) return false;
    paced.set(
      lane,
      broker().clock.after(waitMs, () => {
        paced.delete(lane);
        ready.add(lane);
        flush();
      }),
    );
    return true;
  }

  function endPaces(): void {
    for (const [lane, cancel] of paced) {
      cancel();
      ready.add(lane);
    }
    paced.clear();
    if (ready.size > 0) schedule();
  }

  const isIdle = () => active === 0 && ready.size === 0 && paced.size === 0;

  /** May be called again. The next commit goes out before this one is answered: the answers' work need not hold it up. */
  function decided(group: Group): void {
    const { lane } = group;
    if (lane.inFlight !== group) return;
    lane.inFlight = undefined;
    active -= 1;
    if (lane.queue.length > 0) {
      ready.add(lane);
      flush();
    } else if (isIdle()) idle?.();
  }

  return {
    laneOf,
    append(topicId, partition, part) {
      if (closed !== undefined) return Promise.resolve({ error: new WadiError('shutting_down', 'The server is about to stop. Send the request again to its successor.') });
      const lane = laneOf(topicId, partition);
      if (lane.queue.length > 0 && lane.queuedBytes + part.bytes.length > limits.maxQueuedBytesPerPartition) {
        return Promise.resolve({ error: partitionBusy(partition) });
      }
      return new Promise((settle) => {
        lane.queue.push({ ...part, queuedAtMs: broker().clock.monotonicMs(), settle });
        lane.queuedBytes += part.bytes.length;
        if (lane.inFlight !== undefined || paced.has(lane)) return;
        ready.add(lane);
        schedule();
      });
    },
    close() {
      closed ??= new Promise((resolve) => {
        if (isIdle()) resolve();
        else idle = resolve;
      });
      endPaces();
      return closed;
    },
    queuedBytes: () => [...lanes.values()].flatMap((ofTopic) => [...ofTopic.values()]).reduce((sum, lane) => sum + lane.queuedBytes, 0),
  };
}

/**
 * What the lane commits next: in order of arrival, within the limits, with an expected offset only at its front. What
 * does not follow its producer's batch before it waits for that one's outcome.
 */
function takeGroup(lane: Lane, nowMs: number): Waiting[] {
  const group: Waiting[] = [];
  const newest = new Map<string, Waiting>();
  let bytes = 0;
  let count = 0;
  let taken = 0;
  for (const entry of lane.queue) {
    if (group.length > 0) {
      const over = bytes + entry.bytes.length > limits.maxCommitBytes || count + entry.count > limits.maxCommitRecords;
      if (over || entry.expectedOffset !== undefined || !joins(entry, newest)) break;
    }
    taken += 1;
    lane.queuedBytes -= entry.bytes.length;
    if (nowMs - entry.queuedAtMs > limits.appendTimeoutMs) {
      entry.settle({ error: partitionBusy(lane.partition) });
      continue;
    }
    group.push(entry);
    if (entry.producer !== undefined) newest.set(entry.producer.name, entry);
    bytes += entry.bytes.length;
    count += entry.count;
  }
  lane.queue.splice(0, taken);
  return group;
}

/** @param newest of each producer of the group */
function joins({ producer }: Waiting, newest: ReadonlyMap<string, Waiting>): boolean {
  if (producer === undefined) return true;
  const before = newest.get(producer.name);
  if (before?.producer === undefined) return newest.size < limits.maxProducersPerCommit;
  return follows(producer, before.producer, before.count);
}
