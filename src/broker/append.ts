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
  /** Read anew at each call, so that nothing holds them while their commit is under way. */
  readonly records: () => readonly RecordToAppend[];
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
export type PartitionResult = { readonly partition: number; readonly count: number } & (
  | { readonly baseOffset: number /** The greatest of the records'. */; readonly timestamp: number }
  | { readonly error: WadiError }
);

export type AppendAnswer = {
  readonly topicId: TopicId;
  /** In order of partition. */
  readonly results: readonly PartitionResult[];
  /** For each record of the request, in its order: its partition. Records of one partition keep their order. None for record batches. */
  readonly recordPartitions: readonly number[];
};

/**
 * Cost: a commit for each partition concerned, shared with whatever else waits there.
 * @throws WadiError topic_not_found, topic_recreated, partition_not_found, invalid_record, record_too_large, invalid_timestamp: then nothing was appended
 */
export function appendRecords(broker: Broker, request: AppendRecordsRequest): Promise<AppendAnswer> {
  return onLiveTopic(broker, request, async (remembered) => {
    const { topic, parts, recordPartitions } = await prepareParts(broker, remembered, request);
    return { topicId: topic.id, results: await commitParts(broker, topic, parts), recordPartitions };
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
    return { topicId: topic.id, results: await commitParts(broker, topic, [{ partition: request.partition, part }]), recordPartitions: [] };
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

type Part = { readonly partition: number; readonly part: AppendPart };
type Prepared = {
  readonly topic: Topic;
  /** In order of partition. */
  readonly parts: readonly Part[];
  readonly recordPartitions: readonly number[];
};

/** Nothing of it waits while it holds records: a topic that has grown since it was remembered is looked up without them. */
function prepareParts(broker: Broker, topic: Topic, request: AppendRecordsRequest, fresh = false): Prepared | Promise<Prepared> {
  const records = request.records();
  if (records.length === 0) throw new WadiError('invalid_request', 'The request holds no records. Send at least one.');
  if (!fresh && records.some(({ partition = 0 }) => partition >= topic.partitions)) {
    return broker.topics.resolve(topic.name, { fresh: true }).then((grown) => prepareParts(broker, grown, request, true));
  }
  const { 'compression.type': compression, 'max.message.bytes': maxMessageBytes } = topic.config;
  const { byPartition, recordPartitions } = placeRecords(broker, topic, request.partition, records);
  const parts = [...byPartition].map(([partition, there]) => {
    const { bytes, count, maxTimestamp } = encodeBatches(there, { compression, maxMessageBytes }, broker.codecs);
    return { partition, part: { bytes, count, maxTimestamp, ...expected(request.expectedOffset) } };
  });
  parts.sort((a, b) => a.partition - b.partition);
  return { topic, parts, recordPartitions };
}

function placeRecords(broker: Broker, topic: Topic, common: number | undefined, records: readonly RecordToAppend[]) {
  const byPartition = new Map<number, RecordData[]>();
  const sticky = Math.floor(broker.random.fraction() * topic.partitions);
  const recordPartitions = records.map((record, i) => {
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
    const there = byPartition.get(partition);
    if (there === undefined) byPartition.set(partition, [record]);
    else there.push(record);
    return partition;
  });
  return { byPartition, recordPartitions };
}

function commitParts(broker: Broker, topic: Topic, parts: readonly Part[]): Promise<PartitionResult[]> {
  return Promise.all(
    parts.map(async ({ partition, part }): Promise<PartitionResult> => {
      const result: AppendResult = await broker.committer.append(topic.id, partition, part);
      const { count, maxTimestamp: timestamp } = part;
      return 'error' in result ? { partition, count, error: result.error } : { partition, baseOffset: result.baseOffset, count, timestamp };
    }),
  );
}
