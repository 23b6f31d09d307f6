// Append: a request's records become record batches, a part for each partition, and each part is committed by
// itself. All parts are made and checked before the first is handed to the committer, so bad input leaves nothing.

import type { TopicId } from '../log/keys.ts';
import type { Topic } from '../log/topic.ts';
import { checkBatches } from '../record/batch-check.ts';
import { encodeBatches } from '../record/batch-encode.ts';
import { zeroOffset } from '../record/batch-header.ts';
import type { RecordData } from '../record/batch-records.ts';
import { WadiError } from '../record/errors.ts';
import { partitionForKey } from '../record/murmur2.ts';
import type { Broker } from './broker.ts';
import type { AppendPart, AppendResult } from './committer.ts';
import { resolvePartition } from './topic-cache.ts';

/** A record and, where its sender chose one, its partition. */
export type RecordToAppend = RecordData & { readonly partition?: number };

export type AppendRecordsRequest = {
  readonly topic: string;
  /** As an earlier answer named it: tells a topic from one made later under its name. */
  readonly topicId?: TopicId | undefined;
  /** All records go here; else each where it says, or where its key leads, or (without either) all to one partition. */
  readonly partition?: number | undefined;
  readonly records: readonly RecordToAppend[];
  /** Append only if the partition ends here; needs `partition`. */
  readonly expectedOffset?: number | undefined;
};

export type AppendBatchesRequest = {
  readonly topic: string;
  readonly partition: number;
  /** Record batches v2, one after another; taken over by the broker, which sets their offsets to 0 in place. */
  readonly body: Uint8Array;
  readonly expectedOffset?: number | undefined;
};

/** Of one partition: where its records stand, or why they do not. */
export type PartitionResult = { readonly partition: number } & (
  | { readonly baseOffset: number; readonly count: number /** The greatest of the records'. */; readonly timestamp: number }
  | { readonly error: WadiError }
);

export type AppendAnswer = {
  readonly topicId: TopicId;
  /** In order of partition. */
  readonly results: readonly PartitionResult[];
  /** For each record of the request, in its order: its partition, and its place among those that went there. */
  readonly placements: readonly { readonly partition: number; readonly index: number }[];
};

/**
 * Cost: a commit for each partition concerned, shared with whatever else waits there.
 * @throws WadiError topic_not_found, topic_recreated, partition_not_found, invalid_record, record_too_large, invalid_timestamp: then nothing was appended
 */
export function appendRecords(broker: Broker, request: AppendRecordsRequest): Promise<AppendAnswer> {
  if (request.records.length === 0) throw new WadiError('invalid_request', 'The request holds no records. Send at least one.');
  return onLiveTopic(broker, request, async (topic) => {
    const placed = await placeRecords(broker, topic, request);
    const { 'compression.type': compression, 'max.message.bytes': maxMessageBytes } = placed.topic.config;
    const parts = [...placed.byPartition].map(([partition, records]) => {
      const { bytes, count, maxTimestamp } = encodeBatches(records, { compression, maxMessageBytes }, broker.codecs);
      return { partition, part: { bytes, count, maxTimestamp, ...expected(request.expectedOffset) } };
    });
    parts.sort((a, b) => a.partition - b.partition);
    return { topicId: placed.topic.id, results: await commitParts(broker, placed.topic, parts), placements: placed.placements };
  });
}

/**
 * Cost: one commit, shared with whatever else waits for the partition.
 * @throws WadiError topic_not_found, partition_not_found, unsupported_producer, and whatever `checkBatches` throws: then nothing was appended
 */
export function appendBatches(broker: Broker, request: AppendBatchesRequest): Promise<AppendAnswer> {
  return onLiveTopic(broker, request, async (topic) => {
    const options = { maxMessageBytes: topic.config['max.message.bytes'], now: broker.clock.nowMs() };
    const batches = checkBatches(request.body, broker.codecs, options);
    if (batches.some(({ producerId }) => producerId >= 0)) {
      throw new WadiError('unsupported_producer', 'Record batches that carry a producer id are not taken yet. Send them without one (producer id -1).');
    }
    const part = {
      bytes: zeroOffset(request.body),
      count: batches.reduce((sum, batch) => sum + batch.count, 0),
      maxTimestamp: Math.max(...batches.map((batch) => batch.maxTimestamp)),
      ...expected(request.expectedOffset),
    };
    return { topicId: topic.id, results: await commitParts(broker, topic, [{ partition: request.partition, part }]), placements: [] };
  });
}

const expected = (expectedOffset: number | undefined) => (expectedOffset === undefined ? {} : { expectedOffset });

/** Once more where the topic that was remembered turns out to be gone: another may stand under its name. */
async function onLiveTopic(
  broker: Broker,
  { topic: name, partition = 0, topicId }: Pick<AppendRecordsRequest, 'topic' | 'partition' | 'topicId'>,
  attempt: (topic: Topic) => Promise<AppendAnswer>,
): Promise<AppendAnswer> {
  const topic = await resolvePartition(broker.topics, name, partition, topicId);
  const answer = await attempt(topic);
  if (!answer.results.every((result) => 'error' in result && result.error.code === 'topic_not_found')) return answer;
  const successor = await broker.topics.resolve(name, { fresh: true });
  return successor.id === topic.id ? answer : attempt(await resolvePartition(broker.topics, name, partition, topicId));
}

type Placed = { topic: Topic; byPartition: Map<number, RecordData[]>; placements: { partition: number; index: number }[] };

async function placeRecords(broker: Broker, remembered: Topic, { partition: common, records }: AppendRecordsRequest): Promise<Placed> {
  const beyond = records.some((record) => (record.partition ?? 0) >= remembered.partitions);
  const topic = beyond ? await broker.topics.resolve(remembered.name, { fresh: true }) : remembered;
  const byPartition = new Map<number, RecordData[]>();
  const sticky = Math.floor(broker.random.fraction() * topic.partitions);
  const placements = records.map((record, i) => {
    if (common !== undefined && record.partition !== undefined && record.partition !== common) {
      throw new WadiError('invalid_record', `records[${i}].partition is ${record.partition}, but the request is for partition ${common}.`, { record: i });
    }
    const partition = common ?? record.partition ?? (record.key === null ? sticky : partitionForKey(record.key, topic.partitions));
    if (partition >= topic.partitions) {
      throw new WadiError('partition_not_found', `records[${i}].partition is ${partition}, but topic "${topic.name}" has ${topic.partitions} partitions, numbered from 0.`, {
        record: i,
        partitions: topic.partitions,
      });
    }
    const there = byPartition.get(partition) ?? [];
    if (there.length === 0) byPartition.set(partition, there);
    there.push(record);
    return { partition, index: there.length - 1 };
  });
  return { topic, byPartition, placements };
}

function commitParts(broker: Broker, topic: Topic, parts: readonly { partition: number; part: AppendPart }[]): Promise<PartitionResult[]> {
  return Promise.all(
    parts.map(async ({ partition, part }): Promise<PartitionResult> => {
      const result: AppendResult = await broker.committer.append(topic.id, partition, part);
      return 'error' in result ? { partition, error: result.error } : { partition, baseOffset: result.baseOffset, count: part.count, timestamp: part.maxTimestamp };
    }),
  );
}
