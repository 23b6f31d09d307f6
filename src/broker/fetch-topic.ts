// Fetch from all partitions of a topic at once. The cursor holds a next offset for each partition, so a reader
// that hands back the last cursor skips nothing and sees nothing twice (I7); a partition that was added later is
// read from 0.

import { type Cursor, decodeCursor, encodeCursor } from '../log/cursor.ts';
import type { Topic } from '../log/topic.ts';
import type { DecodedRecord } from '../record/batch-records.ts';
import type { Broker } from './broker.ts';
import { countRead, decodeFrom, gone, onStandingLog, recordBytes } from './fetch.ts';
import { findOffset, type Start } from './find-offset.ts';
import { type Bounds, type Budget, checkRange, readAllBounds, readForward } from './read-log.ts';
import { checkTopicId } from './topic-cache.ts';
import { topicChannel, untilSome } from './wait.ts';

export type TopicFetchRequest = {
  readonly topic: string;
  readonly topicId?: string | undefined;
  /** A cursor of an earlier answer, or where to begin in every partition. */
  readonly from: { readonly cursor: string } | { readonly start: Start };
  readonly budget: Budget;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
};

type TopicRecord = DecodedRecord & { readonly partition: number };

export type FetchedTopic = {
  readonly topicId: string;
  readonly records: readonly TopicRecord[];
  readonly cursor: string;
  readonly partitions: readonly { readonly partition: number; readonly startOffset: number; readonly endOffset: number; readonly nextOffset: number }[];
};

/**
 * Cost: two reads for each partition, sent as one, and those of the payloads.
 * @throws WadiError topic_not_found, topic_recreated, invalid_cursor, offset_out_of_range, storage_corrupt, server_busy; StoreFailure
 */
export function fetchTopic(broker: Broker, request: TopicFetchRequest): Promise<FetchedTopic> {
  return onStandingLog(request, (again) => fetchOnce(broker, again));
}

async function fetchOnce(broker: Broker, request: TopicFetchRequest): Promise<FetchedTopic> {
  const { topic, cursor } = await resolve(broker, request);
  let position = cursor;
  return untilSome(broker, topicChannel(topic.id), request, async (last) => {
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition);
    const bounds = (await readAllBounds(broker, topic.id, partitions, { remembered: true })).map((one) => {
      if (one === undefined) throw gone(broker, topic);
      return one;
    });
    position ??= { topicId: topic.id, first: 0, offsets: await Promise.all(bounds.map((one, partition) => findOffset(broker, topic.id, partition, startOf(request), one))) };
    const page = await readPage(broker, topic, position, bounds, request.budget);
    if (page.records.length === 0 && !last) return undefined;
    return page;
  });
}

const startOf = ({ from }: TopicFetchRequest): Start => ('start' in from ? from.start : { at: 'earliest' });

async function resolve(broker: Broker, { topic: name, topicId, from }: TopicFetchRequest): Promise<{ topic: Topic; cursor: Cursor | undefined }> {
  const cursor = 'cursor' in from ? decodeCursor(from.cursor) : undefined;
  const held = cursor?.topicId ?? topicId;
  let topic = await broker.topics.resolve(name);
  if ((held !== undefined && held !== topic.id) || (cursor !== undefined && cursor.offsets.length > topic.partitions)) topic = await broker.topics.resolve(name, { fresh: true });
  checkTopicId(topic, held);
  checkTopicId(topic, topicId);
  return { topic, cursor };
}

/** Partitions in turn, from `first` on; the next page begins with the one after that. */
async function readPage(broker: Broker, topic: Topic, cursor: Cursor, bounds: readonly Bounds[], budget: Budget): Promise<FetchedTopic> {
  const offsets = bounds.map((_, partition) => cursor.offsets[partition] ?? 0);
  const ends = [...bounds];
  const records: TopicRecord[] = [];
  let bytesLeft = budget.maxBytes;
  for (let turn = 0; turn < bounds.length && records.length < budget.maxRecords && bytesLeft > 0; turn++) {
    const partition = (cursor.first + turn) % bounds.length;
    const known = bounds[partition] as Bounds;
    const offset = offsets[partition] as number;
    checkRange(offset, known);
    if (offset === known.endOffset) continue;
    const left = { ...budget, maxBytes: bytesLeft, maxRecords: budget.maxRecords - records.length };
    const read = await readForward(broker, topic.id, partition, offset, left, known);
    if (read === undefined) throw gone(broker, topic);
    countRead(broker, read.batches);
    const decoded = decodeFrom(broker, read.batches, offset, left);
    for (const record of decoded.records) {
      records.push({ ...record, partition });
      bytesLeft -= recordBytes(record);
    }
    offsets[partition] = decoded.nextOffset;
    ends[partition] = read.bounds;
  }
  return {
    topicId: topic.id,
    records,
    cursor: encodeCursor({ topicId: topic.id, offsets, first: (cursor.first + 1) % bounds.length }),
    partitions: ends.map(({ startOffset, endOffset }, partition) => ({ partition, startOffset, endOffset, nextOffset: offsets[partition] as number })),
  };
}
