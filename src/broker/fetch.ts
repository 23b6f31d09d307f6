// Fetch from one partition: stored batches as they are, or the records in them. A reader that follows
// `nextOffset` skips nothing and sees nothing twice (I7).

import type { TopicId } from '../log/keys.ts';
import type { Topic } from '../log/topic.ts';
import type { BatchHeader } from '../record/batch-header.ts';
import { type DecodedRecord, decodeBatch } from '../record/batch-records.ts';
import { WadiError } from '../record/errors.ts';
import type { Broker } from './broker.ts';
import { findOffset, type Start } from './find-offset.ts';
import { type Bounds, type Budget, checkRange, nextOffsetOf, readBounds, readForward } from './read-log.ts';
import { resolvePartition, topicNotFound } from './topic-cache.ts';
import { partitionChannel, untilSome } from './wait.ts';

export type FetchRequest = {
  readonly topic: string;
  /** As an earlier answer named it: tells a topic from one made later under its name. */
  readonly topicId?: TopicId | undefined;
  readonly partition: number;
  readonly start: Start;
  /** At least one batch is answered, however large. */
  readonly budget: Budget;
  /** How long to wait for the first record where there is none yet. */
  readonly waitMs: number;
  /** The reader is gone. */
  readonly signal?: AbortSignal | undefined;
};

export type FetchedBatches = {
  readonly topicId: TopicId;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Where the reader asked to begin; the first batch may begin below it. */
  readonly fetchOffset: number;
  readonly batches: readonly BatchHeader[];
  readonly nextOffset: number;
};

export type FetchedRecords = Omit<FetchedBatches, 'batches' | 'fetchOffset'> & { readonly records: readonly DecodedRecord[] };

/**
 * Cost: two reads, and a read or range for each payload that is not in memory.
 * @throws WadiError topic_not_found, topic_recreated, partition_not_found, offset_out_of_range, storage_corrupt, server_busy; StoreFailure
 */
export function fetchBatches(broker: Broker, request: FetchRequest): Promise<FetchedBatches> {
  return onStandingLog(request, (again) => fetchOnce(broker, again));
}

async function fetchOnce(broker: Broker, request: FetchRequest): Promise<FetchedBatches> {
  const topic = await resolvePartition(broker.topics, request.topic, request.partition, request.topicId);
  let fetchOffset: number | undefined;
  return untilSome(broker, partitionChannel(topic.id, request.partition), request, async (last) => {
    const bounds = await boundsOf(broker, topic, request.partition);
    // A place such as `latest` is found once; a reader that waits there must not be led past what comes.
    fetchOffset ??= await findOffset(broker, topic.id, request.partition, request.start, bounds);
    checkRange(fetchOffset, bounds);
    if (fetchOffset === bounds.endOffset && !last) return undefined;
    const read = await readForward(broker, topic.id, request.partition, fetchOffset, request.budget, bounds);
    if (read === undefined) throw gone(broker, topic);
    const { batches } = read;
    countRead(broker, batches);
    return { topicId: topic.id, startOffset: read.bounds.startOffset, endOffset: read.bounds.endOffset, fetchOffset, batches, nextOffset: endOf(batches) ?? fetchOffset };
  });
}

/** As `fetchBatches`, with the records decoded. */
export async function fetchRecords(broker: Broker, request: FetchRequest): Promise<FetchedRecords> {
  const { batches, fetchOffset, ...fetched } = await fetchBatches(broker, request);
  return { ...fetched, ...decodeFrom(broker, batches, fetchOffset, request.budget) };
}

/**
 * The records from `offset` on, within the budget, but at least one; a compressed batch counts by what it
 * becomes. The next offset is that of the first record left out.
 */
export function decodeFrom(broker: Broker, batches: readonly BatchHeader[], offset: number, { maxBytes, maxRecords }: Budget): { records: DecodedRecord[]; nextOffset: number } {
  const records: DecodedRecord[] = [];
  let bytes = 0;
  for (const batch of batches) {
    for (const record of decodeBatch(batch, broker.codecs)) {
      if (record.offset < offset) continue;
      bytes += recordBytes(record);
      if (records.length >= maxRecords || (bytes > maxBytes && records.length > 0)) return { records, nextOffset: record.offset };
      records.push(record);
    }
  }
  return { records, nextOffset: endOf(batches) ?? offset };
}

/** What a record is worth to the reader, and costs the server: key, value and headers. */
export function recordBytes({ key, value, headers }: DecodedRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of headers) bytes += name.length + (content?.length ?? 0);
  return bytes;
}

/** A page was read. */
export function countRead({ telemetry }: Broker, batches: readonly BatchHeader[]): void {
  telemetry.count('fetches');
  telemetry.count(
    'fetchedBytes',
    batches.reduce((sum, { length }) => sum + length, 0),
  );
}

function endOf(batches: readonly BatchHeader[]): number | undefined {
  const last = batches.at(-1);
  return last === undefined ? undefined : nextOffsetOf(last);
}

async function boundsOf(broker: Broker, topic: Topic, partition: number): Promise<Bounds> {
  const bounds = await readBounds(broker, topic.id, partition, { remembered: true });
  if (bounds === undefined) throw gone(broker, topic);
  return bounds;
}

/** The topic was deleted since it was resolved. */
export function gone(broker: Broker, { name }: Topic): Error {
  broker.topics.forget(name);
  return new LogGone(topicNotFound(name));
}

class LogGone extends WadiError {
  constructor({ code, message }: WadiError) {
    super(code, message);
  }
}

/** Once more, without a wait, where the log of a topic turns out to be gone: the topic was only remembered, and another may stand under its name. */
export async function onStandingLog<R extends { readonly waitMs: number }, T>(request: R, attempt: (request: R) => Promise<T>): Promise<T> {
  try {
    return await attempt(request);
  } catch (error) {
    if (!(error instanceof LogGone)) throw error;
    return attempt({ ...request, waitMs: 0 });
  }
}
