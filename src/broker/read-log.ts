// Reading one partition forward from an offset (docs/PROTOCOL.md, 2.7). The head is read first: an index read
// before it could miss a run that was sealed in between. What is missing on the way (a run, a payload) means that
// the log moved on; the head is read again. It is never taken for the end, and never skipped.

import { type Head, type PlacedRef, parseHead, placeRefs, placeWindow } from '../log/head.ts';
import { headKey, manifestKey, partitionKey, type TopicId } from '../log/keys.ts';
import { indexOfOffset } from '../log/locate.ts';
import { type BatchHeader, storedBatches } from '../record/batch-header.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';
import { readPayload } from './payloads.ts';
import { runHolding } from './runs.ts';

/** The offset after the last of the batch, which may be a gap that compaction left. */
export const nextOffsetOf = ({ baseOffset, lastOffsetDelta }: BatchHeader): number => baseOffset + lastOffsetDelta + 1;

/** Where the log of a partition begins and ends. */
export type Bounds = { readonly head: Head; readonly startOffset: number; readonly endOffset: number };

export type Budget = {
  readonly maxBytes: number;
  readonly maxRecords: number;
  /** A reader on its way through all of the log, whose bytes are not worth remembering. */
  readonly inPassing?: boolean;
};

type BoundsOptions = { /** Take the start as it is remembered. */ readonly remembered?: boolean };

/** undefined: the partition is gone, with its topic. Cost: two reads, sent as one; one where the start is remembered. */
export async function readBounds(broker: Broker, topicId: TopicId, partition: number, options?: BoundsOptions): Promise<Bounds | undefined> {
  const [bounds] = await readAllBounds(broker, topicId, [partition], options);
  return bounds;
}

export async function readAllBounds(broker: Broker, topicId: TopicId, partitions: readonly number[], { remembered = false }: BoundsOptions = {}): Promise<(Bounds | undefined)[]> {
  const starts = partitions.map((partition) => (remembered ? broker.starts.get(partitionKey(topicId, partition)) : undefined));
  const keys = partitions.flatMap((partition, i) => [headKey(topicId, partition), ...(starts[i] === undefined ? [manifestKey(topicId, partition)] : [])]);
  const items = (await broker.ledger.read(keys, { strong: true })).values();
  return partitions.map((partition, i) => {
    const headItem = items.next().value;
    const startOffset = starts[i] ?? items.next().value?.['ls'];
    if (headItem === undefined || typeof startOffset !== 'number') return undefined;
    if (starts[i] === undefined) broker.starts.remember(partitionKey(topicId, partition), startOffset);
    const head = parseHead(headItem);
    return head.deleting ? undefined : { head, startOffset, endOffset: head.nextOffset };
  });
}

/**
 * The batches from the one that holds `offset` on, as many as the budget allows and at least one; none at the end.
 * @param known bounds read just before, to save a read
 * @throws WadiError offset_out_of_range, storage_corrupt; StoreFailure
 */
export async function readForward(broker: Broker, topicId: TopicId, partition: number, offset: number, budget: Budget, known: Bounds): Promise<{ bounds: Bounds; batches: BatchHeader[] } | undefined> {
  let bounds: Bounds | undefined = known;
  for (let attempt = 0; attempt < limits.maxReadAttempts; attempt++) {
    if (attempt > 0) {
      broker.runs.forget(partitionKey(topicId, partition));
      bounds = await readBounds(broker, topicId, partition);
    }
    if (bounds === undefined) return undefined;
    checkRange(offset, bounds);
    const batches = await gather(broker, topicId, partition, offset, budget, bounds);
    if (batches.length > 0 || offset === bounds.endOffset) return { bounds, batches };
  }
  const place = `${partitionKey(topicId, partition)} at offset ${offset}`;
  broker.telemetry.report('records_missing', { place });
  throw new WadiError('storage_corrupt', `Records are missing in ${place}: the log lists them, but their bytes are not in the store.`, { place });
}

/** @throws WadiError offset_out_of_range */
export function checkRange(offset: number, { startOffset, endOffset }: Bounds): void {
  if (offset >= startOffset && offset <= endOffset) return;
  const detail = offset < startOffset ? `Offset ${offset} lies below the start of the log, ${startOffset}.` : `Offset ${offset} lies beyond the end of the log, ${endOffset}.`;
  throw new WadiError('offset_out_of_range', detail, { offset, startOffset, endOffset });
}

/** Stops early where something is missing, perhaps with nothing; and where it takes long, with something. */
async function gather(broker: Broker, topicId: TopicId, partition: number, from: number, budget: Budget, { head, endOffset }: Bounds): Promise<BatchHeader[]> {
  const batches: BatchHeader[] = [];
  let bytes = 0;
  let offset = from;
  const beganMs = broker.clock.monotonicMs();
  while (offset < endOffset) {
    const refs = await refsFrom(broker, topicId, partition, offset, head);
    if (refs.length === 0) return batches;
    const before = offset;
    for (const placed of refs) {
      if (batches.length > 0 && broker.clock.monotonicMs() - beganMs > limits.maxGatherMs) return batches;
      const payload = await readPayload(broker, placed, budget.inPassing !== true);
      if (payload === undefined) return batches;
      for (const batch of storedBatches(payload)) {
        if (nextOffsetOf(batch) <= offset) continue;
        const full = bytes + batch.length > budget.maxBytes || offset - from >= budget.maxRecords;
        if (full && batches.length > 0) return batches;
        batches.push(batch);
        bytes += batch.length;
        offset = nextOffsetOf(batch);
      }
    }
    // Bytes that carry other offsets than the log lists must not lead round in circles.
    if (offset === before) return batches;
  }
  return batches;
}

/** The refs from the one that holds the offset on, as far as one item lists them; none where it is missing. */
async function refsFrom(broker: Broker, topicId: TopicId, partition: number, offset: number, head: Head): Promise<readonly PlacedRef[]> {
  if (offset >= head.windowBase) return after(placeWindow(head), offset);
  const run = await runHolding(broker, topicId, partition, offset);
  return run === undefined ? [] : after(placeRefs(run.baseOffset, run.refs), offset);
}

function after(placed: readonly PlacedRef[], offset: number): readonly PlacedRef[] {
  const first = indexOfOffset(placed, offset);
  return first < 0 ? [] : placed.slice(first);
}

/** The greatest timestamp of the records [offset, offset + count), which stand; null where it cannot be read. Cost: a read of them. */
export async function readTimestamp(broker: Broker, topicId: TopicId, partition: number, offset: number, count: number): Promise<number | null> {
  let latest = 0;
  try {
    for (let from = offset; from < offset + count; ) {
      const bounds = await readBounds(broker, topicId, partition);
      const read = bounds && (await readForward(broker, topicId, partition, from, { maxBytes: limits.defaultFetchBytes, maxRecords: offset + count - from }, bounds));
      if (read === undefined || read.batches.length === 0) return null;
      for (const batch of read.batches) if (batch.baseOffset < offset + count) latest = Math.max(latest, batch.maxTimestamp);
      from = nextOffsetOf(read.batches.at(-1) as BatchHeader);
    }
    return latest;
  } catch {
    return null;
  }
}
