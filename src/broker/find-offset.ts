// Where a reader begins: earliest, latest, some records before the end, or the first record at or after a time
// (docs/PROTOCOL.md, 2.7a).

import { type PlacedRef, placeRefs, placeWindow, totalsOf } from '../log/head.ts';
import { partitionKey, type TopicId } from '../log/keys.ts';
import { firstAtOrAfter } from '../log/locate.ts';
import type { Run } from '../log/seal.ts';
import { storedBatches } from '../record/batch-header.ts';
import { decodeBatch } from '../record/batch-records.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';
import { readPayload } from './payloads.ts';
import { type Bounds, readBounds } from './read-log.ts';
import { runHolding } from './runs.ts';

export type Start =
  | { readonly at: 'earliest' | 'latest' }
  | { readonly at: 'offset'; readonly offset: number }
  /** So many records before the end, or the start of the log. */
  | { readonly at: 'last'; readonly records: number }
  /** The first record at or after it; the end of the log where there is none. */
  | { readonly at: 'timestamp'; readonly timestamp: number };

/**
 * Cost: nothing but for a timestamp, where it is a query for each halving of the log and one payload.
 * @throws WadiError storage_corrupt, topic_not_found; StoreFailure
 */
export async function findOffset(broker: Broker, topicId: TopicId, partition: number, start: Start, bounds: Bounds): Promise<number> {
  switch (start.at) {
    case 'earliest':
      return bounds.startOffset;
    case 'latest':
      return bounds.endOffset;
    case 'offset':
      return start.offset;
    case 'last':
      return Math.max(bounds.startOffset, bounds.endOffset - start.records);
    case 'timestamp':
      return findTimestamp(broker, topicId, partition, start.timestamp, bounds);
  }
}

async function findTimestamp(broker: Broker, topicId: TopicId, partition: number, timestamp: number, known: Bounds): Promise<number> {
  let bounds: Bounds | undefined = known;
  for (let attempt = 0; attempt < limits.maxReadAttempts && bounds !== undefined; attempt++) {
    const found = await tryFindTimestamp(broker, topicId, partition, timestamp, bounds);
    if (found !== undefined) return found;
    broker.runs.forget(partitionKey(topicId, partition));
    bounds = await readBounds(broker, topicId, partition);
  }
  if (bounds === undefined) throw new WadiError('topic_not_found', 'The topic was deleted while it was searched.');
  throw new WadiError('storage_corrupt', `${partitionKey(topicId, partition)} cannot be searched by time: a part of its index or of its records is missing.`);
}

/** undefined: something is missing; the head must be read again. */
async function tryFindTimestamp(broker: Broker, topicId: TopicId, partition: number, timestamp: number, { head, startOffset, endOffset }: Bounds): Promise<number | undefined> {
  if (totalsOf(head).maxTimestamp < timestamp || endOffset === startOffset) return endOffset;
  const isInWindow = head.totals.maxTimestamp < timestamp || startOffset >= head.windowBase;
  const refs = isInWindow ? placeWindow(head) : await refsOfFirstRun(broker, topicId, partition, timestamp, startOffset, head.windowBase);
  const placed = refs === undefined ? undefined : firstAtOrAfter(refs, timestamp);
  if (placed === undefined) return undefined;
  const offset = await offsetInRef(broker, placed, timestamp);
  return offset === undefined ? undefined : Math.max(offset, startOffset);
}

/** Runs carry the running maximum of all timestamps up to their end, so the first that reaches the time is found by halving. */
async function refsOfFirstRun(broker: Broker, topicId: TopicId, partition: number, timestamp: number, startOffset: number, windowBase: number): Promise<PlacedRef[] | undefined> {
  let low = startOffset;
  let high = windowBase;
  let found: Run | undefined;
  while (low < high) {
    const run = await runHolding(broker, topicId, partition, Math.floor((low + high) / 2));
    if (run === undefined) return undefined;
    if (run.totals.maxTimestamp >= timestamp) {
      found = run;
      high = run.baseOffset;
    } else low = run.nextOffset;
  }
  return found === undefined ? undefined : placeRefs(found.baseOffset, found.refs);
}

async function offsetInRef(broker: Broker, placed: PlacedRef, timestamp: number): Promise<number | undefined> {
  const payload = await readPayload(broker, placed);
  if (payload === undefined) return undefined;
  for (const batch of storedBatches(payload)) {
    if (batch.maxTimestamp < timestamp) continue;
    const record = decodeBatch(batch, broker.codecs).find((one) => one.timestamp >= timestamp);
    if (record !== undefined) return record.offset;
  }
  throw new WadiError('storage_corrupt', `The records from offset ${placed.baseOffset} on end before the timestamp that their commit names.`);
}
