// Append: a request's records become record batches, a part for each partition, and each part is committed by
// itself. All parts are made and checked before the first is handed to the committer, so bad input leaves nothing.

import type { Placement, Standing } from '../log/idempotency.ts';
import { producerName, type TopicId } from '../log/keys.ts';
import { follows, type Producer } from '../log/producers.ts';
import type { Topic } from '../log/topic.ts';
import { type CheckedBatch, checkBatches } from '../record/batch-check.ts';
import { encodeBatches } from '../record/batch-encode.ts';
import { zeroOffset } from '../record/batch-header.ts';
import type { RecordData } from '../record/batch-records.ts';
import { WadiError } from '../record/errors.ts';
import { partitionForKey } from '../record/murmur2.ts';
import type { Broker } from './broker.ts';
import type { AppendPart, AppendResult } from './committer.ts';
import { topicGone } from './failures.ts';
import { type IdempotencyKey, useKey } from './idempotency.ts';
import { readTimestamp } from './read-log.ts';
import { readTopic, resolvePartition } from './topic-cache.ts';

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
  /** Of an idempotent producer; needs `partition`. Asked when the records were read. */
  readonly producer?: (() => ProducerFields | undefined) | undefined;
  /** Not with a producer. */
  readonly idempotencyKey?: IdempotencyKey | undefined;
};

/** id below 2^53, epoch below 2^15, sequence of the first record below 2^31. */
export type ProducerFields = { readonly id: number; readonly epoch: number; readonly sequence: number };

export type AppendBatchesRequest = {
  readonly topic: string;
  readonly partition: number;
  /** Record batches v2, one after another; taken over by the broker, which sets their offsets to 0 in place. */
  readonly body: Uint8Array;
  readonly expectedOffset?: number | undefined;
  /** Not for batches that carry a producer. */
  readonly idempotencyKey?: IdempotencyKey | undefined;
};

/** Of one partition: where its records stand, or why they do not. */
export type PartitionResult = { readonly partition: number; readonly count: number } & (
  | { readonly baseOffset: number /** The greatest of the records'; null: they stand by an earlier request, and their time could not be read. */; readonly timestamp: number | null }
  /** They stand by an earlier request, and where is not known any more. */
  | { readonly baseOffset: null; readonly timestamp: null; readonly duplicate: true }
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
 * @throws WadiError topic_not_found, topic_recreated, partition_not_found, invalid_record, record_too_large, invalid_timestamp,
 * and whatever `useKey` throws: then nothing was appended
 */
export function appendRecords(broker: Broker, request: AppendRecordsRequest): Promise<AppendAnswer> {
  return onLiveTopic(broker, request, async (remembered) => {
    const prepared = await prepareParts(broker, remembered, request, drawPlacement(broker, remembered));
    return commitOnce(broker, request.idempotencyKey, prepared, (placement) => placeParts(broker, prepared.topic, request, placement));
  });
}

/**
 * Cost: one commit, shared with whatever else waits for the partition.
 * @throws WadiError topic_not_found, partition_not_found, invalid_request, and whatever `checkBatches` and `useKey` throw: then nothing was appended
 */
export function appendBatches(broker: Broker, request: AppendBatchesRequest): Promise<AppendAnswer> {
  return onLiveTopic(broker, request, async (topic) => {
    const options = { maxMessageBytes: topic.config['max.message.bytes'], now: broker.clock.nowMs() };
    const batches = checkBatches(request.body, broker.codecs, options);
    const producer = producerOf(batches);
    if (producer !== undefined && request.idempotencyKey !== undefined) {
      throw new WadiError('invalid_request', 'Idempotency-Key is not for record batches that carry a producer: their sequences say what is a repeat.');
    }
    const part = {
      bytes: zeroOffset(request.body),
      count: batches.reduce((sum, batch) => sum + batch.count, 0),
      maxTimestamp: Math.max(...batches.map((batch) => batch.maxTimestamp)),
      ...expected(request.expectedOffset),
      ...(producer === undefined ? {} : { producer }),
    };
    const prepared = { topic, placement: drawPlacement(broker, topic), parts: [{ partition: request.partition, part }], recordPartitions: [] };
    return commitOnce(broker, request.idempotencyKey, prepared, () => prepared);
  });
}

/** One for all batches of a request, whose sequences follow each other, as those of one batch do. @throws WadiError invalid_batch */
function producerOf(batches: readonly CheckedBatch[]): Producer | undefined {
  const producers = batches.map(({ producerId, producerEpoch: epoch, baseSequence: sequence }) => ({ name: producerId < 0 ? '' : producerName(producerId), epoch, sequence }));
  for (const [index, producer] of producers.entries()) {
    const before = producers[index - 1];
    if (before === undefined) continue;
    if (producer.name !== before.name) throw new WadiError('invalid_batch', `batches[${index}] has another producer than the one before it. Send them in several requests.`, { batch: index });
    if (producer.name !== '' && !follows(producer, before, (batches[index - 1] as CheckedBatch).count)) {
      throw new WadiError('invalid_batch', `batches[${index}] does not follow the one before it: its epoch is another, or its sequence not the next.`, { batch: index });
    }
  }
  const [first] = producers;
  return first === undefined || first.name === '' ? undefined : first;
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
  readonly placement: Placement;
  /** In order of partition. */
  readonly parts: readonly Part[];
  readonly recordPartitions: readonly number[];
};

function drawPlacement({ random }: Broker, topic: Topic): Placement {
  return { partitions: topic.partitions, seed: Math.floor(random.fraction() * 2 ** 32) };
}

/** Nothing of it waits while it holds records: a topic that has grown since it was remembered is looked up without them. */
function prepareParts(broker: Broker, topic: Topic, request: AppendRecordsRequest, placement: Placement, fresh = false): Prepared | Promise<Prepared> {
  const records = request.records();
  if (records.length === 0) throw new WadiError('invalid_request', 'The request holds no records. Send at least one.');
  if (!fresh && records.some(({ partition = 0 }) => partition >= topic.partitions)) {
    return broker.topics.resolve(topic.name, { fresh: true }).then((grown) => prepareParts(broker, grown, request, { ...placement, partitions: grown.partitions }, true));
  }
  return placeParts(broker, topic, request, placement, records);
}

/** @param records those of the request, where they were read just now */
function placeParts(broker: Broker, topic: Topic, request: AppendRecordsRequest, placement: Placement, records = request.records()): Prepared {
  const { 'compression.type': compression, 'max.message.bytes': maxMessageBytes } = topic.config;
  const { byPartition, recordPartitions } = placeRecords(topic, request.partition, records, placement);
  const producer = request.producer?.();
  const own = producer === undefined ? {} : { producer: { name: producerName(producer.id), epoch: producer.epoch, sequence: producer.sequence } };
  const parts = [...byPartition].map(([partition, there]) => {
    const { bytes, count, maxTimestamp } = encodeBatches(there, { compression, maxMessageBytes, ...(producer === undefined ? {} : { producer }) }, broker.codecs);
    return { partition, part: { bytes, count, maxTimestamp, ...expected(request.expectedOffset), ...own } };
  });
  parts.sort((a, b) => a.partition - b.partition);
  return { topic, placement, parts, recordPartitions };
}

/** By the placement, not by how many partitions the topic has by now: what a key leads to stays where it was. */
function placeRecords(topic: Topic, common: number | undefined, records: readonly RecordToAppend[], { partitions, seed }: Placement) {
  const byPartition = new Map<number, RecordData[]>();
  const sticky = seed % partitions;
  const recordPartitions = records.map((record, i) => {
    if (common !== undefined && record.partition !== undefined && record.partition !== common) {
      throw new WadiError('invalid_record', `records[${i}].partition is ${record.partition}, but the request is for partition ${common}.`, { record: i });
    }
    const partition = common ?? record.partition ?? (record.key === null ? sticky : partitionForKey(record.key, partitions));
    if (partition >= Math.max(topic.partitions, partitions)) {
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

/** @param placeAgain the same records by another placement */
async function commitOnce(broker: Broker, key: IdempotencyKey | undefined, prepared: Prepared, placeAgain: (placement: Placement) => Prepared): Promise<AppendAnswer> {
  const { topic, placement } = prepared;
  if (key === undefined) return { topicId: topic.id, results: await commitParts(broker, topic, prepared.parts), recordPartitions: prepared.recordPartitions };
  const use = await useKey(broker, topic.id, key, placement);
  const { parts, recordPartitions } = use.placement === placement ? prepared : placeAgain(use.placement);
  if (use.answer !== undefined) {
    // No commit asks whether the topic still stands.
    const stands = (await readTopic(broker.ledger, topic.id))?.state === 'live';
    if (stands) broker.telemetry.count('repeats', use.answer.length);
    return { topicId: topic.id, results: stands ? use.answer : use.answer.map(({ partition, count }) => ({ partition, count, error: topicGone() })), recordPartitions };
  }
  const keyed = parts.map(({ partition, part }) => ({ partition, part: { ...part, producer: use.producerFor(partition) } }));
  const results = await commitParts(broker, topic, keyed);
  if (results.every(isStanding)) use.remember(results);
  return { topicId: topic.id, results, recordPartitions };
}

const isStanding = (result: PartitionResult): result is Standing => !('error' in result) && result.timestamp !== null;

function commitParts(broker: Broker, topic: Topic, parts: readonly Part[]): Promise<PartitionResult[]> {
  return Promise.all(parts.map(async ({ partition, part }) => resultOf(broker, topic.id, partition, part, await broker.committer.append(topic.id, partition, part))));
}

async function resultOf(broker: Broker, topicId: TopicId, partition: number, { count, maxTimestamp }: AppendPart, result: AppendResult): Promise<PartitionResult> {
  if ('error' in result) return { partition, count, error: result.error };
  if ('duplicate' in result) return { partition, baseOffset: null, count, timestamp: null, duplicate: true };
  const { baseOffset, repeat } = result;
  // Records that come without a time are given that of their arrival: a repeat has another one than what stands.
  const timestamp = repeat === undefined ? maxTimestamp : await readTimestamp(broker, topicId, partition, baseOffset, count);
  return { partition, baseOffset, count, timestamp };
}
