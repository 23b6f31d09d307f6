// Produce: records into a topic, or into one of its partitions. A hot path: no schema is run over records, whose
// reader (bodies/json.ts) keeps values as the bytes that came.

import { createRoute, z } from '@hono/zod-openapi';
import { type AppendAnswer, appendBatches, appendRecords, type ProducerFields } from '../broker/append.ts';
import { maxProducerEpoch, maxSequence } from '../record/batch-encode.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { answerJson, batchesType, jsonType, ndjsonType } from './answer.ts';
import type { Api, Handler, RequestContext } from './api.ts';
import { asOne, describeResult } from './append-results.ts';
import { readJsonRecords } from './bodies/json.ts';
import { fingerprinted, readIdempotencyKey } from './idempotency-key.ts';
import { contentTypeOf, unsupportedType } from './media-types.ts';
import { oneOf, partitionOf, readInteger, readQuery, text, topicOf } from './query.ts';
import { withBody } from './read-body.ts';
import { partitionPath, responses, topicPath } from './schemas.ts';
import { produceLines } from './streams/produce-lines.ts';

const int = z.number().int();

const query = z.strictObject({
  as: oneOf(
    'as',
    ['value', 'values'],
    '`value`: the body, of any content type, is the value of one record. `values`: each element of the array in the body, or each line, is the value of one record.',
  ).optional(),
  key: text('key', 'The key of the record; only with as=value.', 32 * 1024).optional(),
  answer: oneOf('answer', ['records'], '`records`: answer partition and offset of each record, too, in the order of the request. Not for record batches.').optional(),
});
type Query = z.output<typeof query>;

const producerFields = z.strictObject({
  id: int.min(0),
  epoch: int.min(0).max(maxProducerEpoch),
  sequence: int.min(0).max(maxSequence),
});

const recordsBody = z.strictObject({
  records: z.array(
    z.strictObject({
      key: z.string().nullish(),
      keyEncoding: z.enum(['text', 'base64']).optional(),
      value: z.any().openapi({ description: 'Any JSON, kept as it came, digit for digit; null or none is a tombstone.' }),
      valueEncoding: z.enum(['text', 'base64']).optional(),
      headers: z.array(z.tuple([z.string(), z.string().nullable()])).optional(),
      timestamp: int.optional(),
      partition: int.optional(),
    }),
  ),
  producer: producerFields
    .optional()
    .openapi({ description: 'Of an idempotent producer (`POST /v1/producers`): only to one partition. `sequence` is that of the first record; each record has the next one, from 0 on.' }),
});

const orNull = int.nullable();
const appended = z.object({ partition: int, baseOffset: orNull, count: int, timestamp: orNull, duplicate: z.boolean().optional() });
const failed = z.object({ partition: int, code: z.string(), detail: z.string(), retryable: z.boolean(), sideEffects: z.string() });
const place = z.object({ partition: int, offset: orNull.optional(), code: z.string().optional() });
const produced = z.object({ topicId: z.string(), results: z.array(z.union([appended, failed])), records: z.array(place).optional() });
const answers = responses(
  { 200: ['All records stand.', produced], 207: ['The records of some partitions stand, those of others do not.', produced] },
  { [ndjsonType]: z.string().openapi({ description: 'To lines: a line for each commit, and one at the end.' }) },
);
const lines = z.string().openapi({ description: 'A record a line, or with as=values a value a line; of any length.' });
const json = { [jsonType]: { schema: recordsBody }, [ndjsonType]: { schema: lines } };
const binary = { [batchesType]: { schema: z.string().openapi({ format: 'binary', description: 'Record batches v2, one after another.' }) } };
const idempotencyKey = z.object({
  'idempotency-key': z
    .string()
    .max(limits.maxIdempotencyKeyLength)
    .optional()
    .openapi({ description: 'The same request sent again under its key, within 24 hours, adds nothing and gets the first answer. Not for lines, nor with a producer.' }),
});
const expectedOffset = idempotencyKey.extend({
  'wadi-expected-offset': z.string().optional().openapi({ type: 'integer', description: 'Append only if the partition ends at this offset; otherwise 412.' }),
});

export const produceRoute = createRoute({
  method: 'post',
  path: '/v1/topics/{topic}/records',
  summary: 'Append records',
  request: { params: topicPath, query, headers: idempotencyKey, body: { content: json } },
  responses: answers,
});
export const producePartitionRoute = createRoute({
  method: 'post',
  path: '/v1/topics/{topic}/partitions/{partition}/records',
  summary: 'Append records to one partition',
  request: { params: partitionPath, query, headers: expectedOffset, body: { content: { ...json, ...binary } } },
  responses: answers,
});

export const produce: Handler = (api, context) => append(api, context, undefined);
export const producePartition: Handler = (api, context) => append(api, context, partitionOf(context));

function append(api: Api, context: RequestContext, partition: number | undefined): Promise<Response> {
  const given = readQuery(context, query);
  const expectedOffset = readExpectedOffset(context, partition);
  const keyText = readIdempotencyKey(context);
  const type = contentTypeOf(context);
  const topic = topicOf(context);
  if (type === batchesType && given.as === undefined) {
    if (partition === undefined) throw new WadiError('invalid_request', 'Record batches are sent to one partition: POST /v1/topics/{topic}/partitions/{partition}/records.');
    if (given.answer !== undefined) throw new WadiError('invalid_request', 'answer=records is not for record batches: their records take consecutive offsets from baseOffset on.');
    return withBody(api, context, async (body) => {
      const idempotencyKey = keyText === undefined ? undefined : fingerprinted(api, keyText, ['batches', partition, expectedOffset], body);
      return answerOf(api, context, given, await appendBatches(api.broker, { topic, partition, body, expectedOffset, idempotencyKey }));
    });
  }
  checkForm(given, type);
  if (type === ndjsonType && given.as !== 'value') {
    if (expectedOffset !== undefined) throw new WadiError('invalid_request', 'Wadi-Expected-Offset is not for lines, which take several commits. Send the records as JSON.');
    if (keyText !== undefined) throw new WadiError('invalid_request', 'Idempotency-Key is not for lines, which take several commits. Send the records as JSON.');
    if (given.answer !== undefined) throw new WadiError('invalid_request', 'answer=records is not for lines, whose answer says where each commit stands.');
    return produceLines(api, context, { topic, partition, as: given.as ?? 'records' });
  }
  return withBody(api, context, async (body) => {
    const form = given.as ?? 'records';
    let producer: ProducerFields | undefined;
    const records = () => {
      const read = readJsonRecords(body, form, { key: given.key, now: api.broker.clock.nowMs() });
      if (read.producer !== undefined) producer = checkProducer(read.producer, partition, keyText);
      return read.records;
    };
    const idempotencyKey = keyText === undefined ? undefined : fingerprinted(api, keyText, [form, partition, expectedOffset, given.key], body);
    return answerOf(api, context, given, await appendRecords(api.broker, { topic, partition, records, expectedOffset, producer: () => producer, idempotencyKey }));
  });
}

/** @throws WadiError invalid_request */
function checkProducer(given: unknown, partition: number | undefined, keyText: string | undefined): ProducerFields {
  if (!isProducer(given))
    throw new WadiError('invalid_request', '"producer" is {"id","epoch","sequence"}: integers from 0, id below 2^53, epoch below 2^15, sequence (of the first record) below 2^31.');
  if (partition === undefined) throw new WadiError('invalid_request', '"producer" is for one partition, which has a sequence of its own: POST /v1/topics/{topic}/partitions/{partition}/records.');
  if (keyText !== undefined) throw new WadiError('invalid_request', 'Idempotency-Key is not for records with a "producer", whose sequence says what is a repeat.');
  return given;
}

/** As `producerFields`, which takes its time. */
function isProducer(given: unknown): given is ProducerFields {
  if (typeof given !== 'object' || given === null || Object.keys(given).length !== 3) return false;
  const { id, epoch, sequence } = given as Record<string, unknown>;
  return isUpTo(Number.MAX_SAFE_INTEGER, id) && isUpTo(maxProducerEpoch, epoch) && isUpTo(maxSequence, sequence);
}

const isUpTo = (max: number, value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;

/** Which bodies there are for which `as`. A body without a content type is taken for JSON. */
function checkForm({ as, key }: Query, type: string | undefined): void {
  if (key !== undefined && as !== 'value') throw new WadiError('invalid_request', '"key" in the query is for as=value; in a body of records each has its own.');
  if (as === 'value' || type === undefined || type === jsonType || type === ndjsonType) return;
  throw unsupportedType(type, `Send ${jsonType}, ${ndjsonType}${as === undefined ? `, ${batchesType} (to one partition), or any type with as=value` : ''}.`);
}

function readExpectedOffset({ env: { incoming } }: RequestContext, partition: number | undefined): number | undefined {
  const given = incoming.headers['wadi-expected-offset'];
  if (given === undefined) return undefined;
  if (partition === undefined) throw new WadiError('invalid_request', 'Wadi-Expected-Offset is for one partition: POST /v1/topics/{topic}/partitions/{partition}/records.');
  return readInteger('Wadi-Expected-Offset', String(given));
}

/** 200 where all stand, 207 where some do; where none does, it throws the error of one. */
function answerOf(api: Api, context: RequestContext, { answer }: Query, appended: AppendAnswer): Response {
  const { topicId, results } = appended;
  const errors = results.filter((result) => 'error' in result);
  if (errors.length === results.length) throw asOne(errors);
  const records = answer === undefined ? undefined : placesOf(appended);
  return answerJson(api, context, errors.length === 0 ? 200 : 207, { topicId, results: results.map(describeResult), records });
}

function placesOf({ results, recordPartitions }: AppendAnswer): object[] {
  const byPartition = new Map(results.map((result) => [result.partition, 'error' in result ? { code: result.error.code } : { next: result.baseOffset }]));
  return recordPartitions.map((partition) => {
    const result = byPartition.get(partition);
    if (result === undefined || !('next' in result)) return { partition, ...result };
    return { partition, offset: result.next === null ? null : result.next++ };
  });
}
