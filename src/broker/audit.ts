// An audit of everything that readers can be led to: each partition's runs follow each other without a gap, their
// totals add up, and behind every ref stand whole batches whose checksums hold. It only reads, and may run while others
// write: what is added meanwhile is not looked at.

import { addToTotals, encodeTotals, noTotals, type Ref, type Totals } from '../log/format.ts';
import { type Head, placeRefs, placeWindow } from '../log/head.ts';
import { partitionKey, runRange, type TopicId } from '../log/keys.ts';
import { parseRun } from '../log/seal.ts';
import { StoreFailure } from '../ports/failure.ts';
import { storedBatches } from '../record/batch-header.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';
import { listTopics } from './describe-topic.ts';
import { storeError } from './failures.ts';
import { readPayload } from './payloads.ts';
import { readBounds } from './read-log.ts';
import { readTopic } from './topic-cache.ts';

/** `place` names a partition as `topic/partition`, with offsets where it is about some. */
type AuditFinding = { readonly place: string; readonly problem: string };
export type AuditCounts = { topics: number; partitions: number; payloads: number; records: number; bytes: number };

/** `finding` is called for each problem, and waited for; `progress` each time that the counts have grown. What they throw ends the audit. */
export type AuditReport = { finding(found: AuditFinding): Promise<void> | void; progress?(counts: Readonly<AuditCounts>): void };

const runsPage = 100;

/**
 * Reads everything once. Cost: a scan of all runs and a read of every payload.
 * @throws WadiError where a store does not answer, what is stored was written by a newer version, or the list of topics is damaged
 */
export async function auditLog(broker: Broker, report: AuditReport): Promise<AuditCounts> {
  try {
    return await auditTopics(broker, report);
  } catch (error) {
    throw error instanceof StoreFailure ? storeError(error) : error;
  }
}

async function auditTopics(broker: Broker, report: AuditReport): Promise<AuditCounts> {
  const counts: AuditCounts = { topics: 0, partitions: 0, payloads: 0, records: 0, bytes: 0 };
  for (let after: string | undefined; ; ) {
    const page: Awaited<ReturnType<typeof listTopics>> = await listTopics(broker, { after, limit: limits.maxTopicsPage });
    for (const topic of page.topics) {
      counts.topics++;
      for (let partition = 0; partition < topic.partitions; partition++) {
        const place = `${topic.name}/${partition}`;
        const audit: Audit = {
          broker,
          topicId: topic.id,
          partition,
          counts,
          problem: async (problem, at) => report.finding({ place: at === undefined ? place : `${place} at ${at}`, problem }),
          grown: () => report.progress?.(counts),
        };
        await named(audit, undefined, () => auditPartition(audit));
        counts.partitions++;
      }
    }
    if (page.next === undefined) return counts;
    after = page.next;
  }
}

type Audit = {
  readonly broker: Broker;
  readonly topicId: TopicId;
  readonly partition: number;
  readonly counts: AuditCounts;
  readonly problem: (problem: string, offset?: number) => Promise<void>;
  readonly grown: () => void;
};

/** Damage is a finding; that a store does not answer is none. */
async function named(audit: Audit, offset: number | undefined, task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    const known = error instanceof StoreFailure ? storeError(error) : error;
    if (!(known instanceof WadiError) || known.code !== 'storage_corrupt') throw error;
    await audit.problem(known.message, offset);
  }
}

async function auditPartition(audit: Audit): Promise<void> {
  const { broker, topicId, partition, problem } = audit;
  // The head first: what it no longer lists is sealed.
  const bounds = await readBounds(broker, topicId, partition);
  if (bounds === undefined) {
    // Unless it was deleted meanwhile.
    if ((await readTopic(broker.ledger, topicId))?.state === 'live') await problem('the partition has no head or no manifest');
    return;
  }
  const { head } = bounds;
  const totals = await auditRuns(audit, head);
  if (totals !== undefined && !sameTotals(totals, head.totals)) await problem('the totals of the sealed runs are not those that the head tells');
  const lengthOf = (refs: readonly Ref[]): number => refs.reduce((sum, { count }) => sum + count, 0);
  if (head.windowBase + lengthOf(head.previous) !== head.currentBase || head.currentBase + lengthOf(head.current) !== head.nextOffset)
    await problem('the refs of the head do not add up to its offsets');
  for (const { ref, baseOffset } of placeWindow(head)) await auditRef(audit, ref, baseOffset);
}

/** The totals of all runs below the window; undefined where they do not follow each other. */
async function auditRuns(audit: Audit, head: Head): Promise<Totals | undefined> {
  const { broker, topicId, partition, problem } = audit;
  const pk = partitionKey(topicId, partition);
  let next = 0;
  let totals: Totals | undefined = noTotals;
  for (let from: string = runRange.first; ; ) {
    const page = await broker.ledger.scan({ pk, from, to: runRange.last, limit: runsPage, strong: true });
    for (const { sk, item } of page.items) {
      const run = parseRun(sk, item);
      // What stands beyond repeats the window of a head that is about to be rotated.
      if (run.baseOffset >= head.windowBase) continue;
      if (run.baseOffset !== next) {
        await problem(`a run begins at ${run.baseOffset} where ${next} is next`);
        totals = undefined;
      }
      totals = totals && addToTotals(totals, run.refs);
      if (totals !== undefined && !sameTotals(totals, run.totals)) {
        await problem('the totals of a run do not add up', run.baseOffset);
        totals = undefined;
      }
      for (const { ref, baseOffset } of placeRefs(run.baseOffset, run.refs)) await auditRef(audit, ref, baseOffset);
      next = run.nextOffset;
    }
    const last = page.items.at(-1);
    if (!page.more || last === undefined) break;
    from = `${last.sk} `;
  }
  if (next === head.windowBase) return totals;
  await problem(`the sealed runs end at ${next}, and the head begins at ${head.windowBase}`);
  return undefined;
}

async function auditRef(audit: Audit, ref: Ref, baseOffset: number): Promise<void> {
  const { broker, counts, problem, grown } = audit;
  await named(audit, baseOffset, async () => {
    const bytes = await readPayload(broker, { ref, baseOffset }, false);
    if (bytes === undefined) return problem(`the bytes of ${ref.count} records are not in the store`, baseOffset);
    let latest = 0;
    for (const batch of storedBatches(bytes)) latest = Math.max(latest, batch.maxTimestamp);
    if (latest !== ref.maxTimestamp) await problem(`the latest timestamp is ${latest}, and ${ref.maxTimestamp} is told`, baseOffset);
  });
  counts.payloads++;
  counts.records += ref.count;
  counts.bytes += ref.length;
  grown();
}

const sameTotals = (one: Totals, other: Totals): boolean => encodeTotals(one).every((byte, i) => byte === encodeTotals(other)[i]);
