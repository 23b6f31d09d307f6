// Fetch: records of one partition, as JSON or as the record batches that are stored, or of all partitions of a
// topic; and where in each partition a place lies.

import { createRoute, z } from '@hono/zod-openapi';
import { fetchBatches, fetchRecords } from '../broker/fetch.ts';
import { fetchTopic } from '../broker/fetch-topic.ts';
import type { Start } from '../broker/find-offset.ts';
import { listOffsets } from '../broker/list-offsets.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { answer, answerJson, answerViews, batchesType, jsonType } from './answer.ts';
import { holdAnswer } from './answer-budget.ts';
import type { Api, Handler, RequestContext } from './api.ts';
import { viewBatches } from './bodies/batches.ts';
import { writeJsonRecords } from './bodies/json.ts';
import { fetchTypeOf } from './media-types.ts';
import { integer, oneOf, partitionOf, readQuery, text, topicOf } from './query.ts';
import { partitionPath, responses, topicPath } from './schemas.ts';

const int = z.number().int();

const fromMessage = '"from" is "earliest", "latest" or "end-N" with an integer N.';
const common = {
  timestamp: integer('timestamp', 'Begin at the first record at or after this time, in ms since 1970; at the end where there is none.').optional(),
  from: z
    .string()
    .regex(/^(earliest|latest|end-(0|[1-9][0-9]{0,14}))$/, { error: fromMessage })
    .optional()
    .openapi({ description: '`earliest` (the default), `latest`, or `end-N`: N records before the end.' }),
  limit: integer('limit', `At most so many records; default ${limits.defaultFetchRecords}.`, { min: 1, max: limits.maxFetchRecords }).optional(),
  maxBytes: integer('maxBytes', `At most so many bytes of keys and values (of stored batches, where those are asked for), but always one record; default ${limits.defaultFetchBytes}.`, {
    min: 1,
    max: limits.maxFetchBytes,
  }).optional(),
  waitMs: integer('waitMs', 'Where there is nothing yet, wait for it so long.', { max: limits.maxWaitMs }).optional(),
  topicId: text('topicId', 'As an earlier answer named it: 410 if another topic has taken the name since.', 64).optional(),
  encoding: oneOf('encoding', ['base64'], '`base64`: all keys and values so, whatever they hold.').optional(),
};
const partitionQuery = z.strictObject({ offset: integer('offset', 'Begin at this offset.').optional(), ...common });
const topicQuery = z.strictObject({ cursor: text('cursor', 'Go on where the answer that gave it ended.').optional(), ...common });
const offsetsQuery = z.strictObject({ at: oneOf('at', ['earliest', 'latest'], 'Default: `latest`.').optional(), timestamp: common.timestamp });

const record = z.object({
  partition: int,
  offset: int,
  timestamp: int,
  key: z.any(),
  keyEncoding: z.enum(['base64']).optional(),
  value: z.any(),
  valueEncoding: z.enum(['text', 'base64']).optional(),
  headers: z.array(z.array(z.string().nullable())),
});
const records = z.array(record);
const position = z.object({ partition: int, startOffset: int, endOffset: int, nextOffset: int });
const page = z.object({ topicId: z.string(), records, nextOffset: int, endOffset: int, startOffset: int });
const topicPage = z.object({ topicId: z.string(), records, cursor: z.string(), partitions: z.array(position) });
const offsets = z.object({ topicId: z.string(), offsets: z.array(z.object({ partition: int, offset: int, startOffset: int, endOffset: int })) });

export const fetchPartitionRoute = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/partitions/{partition}/records',
  summary: 'Read one partition',
  request: { params: partitionPath, query: partitionQuery },
  responses: responses({ 200: [`A page of records; go on at nextOffset. As ${batchesType}: whole batches, the first of which may begin below Wadi-Fetch-Offset.`, page] }),
});
export const fetchTopicRoute = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/records',
  summary: 'Read all partitions',
  request: { params: topicPath, query: topicQuery },
  responses: responses({ 200: ['A page of records; go on with the cursor.', topicPage] }),
});
export const offsetsRoute = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/offsets',
  summary: 'Find offsets',
  request: { params: topicPath, query: offsetsQuery },
  responses: responses({ 200: ['For each partition, where the place lies.', offsets] }),
});

type Common = { readonly [Name in keyof typeof common]?: z.output<(typeof common)[Name]> };

export const fetchPartition: Handler = async (api, context) => {
  const type = fetchTypeOf(context, [jsonType, batchesType]);
  const query = readQuery(context, partitionQuery);
  const { offset, topicId, encoding } = query;
  const partition = partitionOf(context);
  const request = { topic: topicOf(context), topicId, partition, start: startOf(query, offset === undefined ? undefined : { at: 'offset', offset }), ...pageOf(api, context, query) };
  if (type === batchesType) {
    if (encoding !== undefined) throw new WadiError('invalid_request', `"encoding" is for ${jsonType}.`);
    const page = await fetchBatches(api.broker, request);
    return answerViews(api, context, batchesType, viewBatches(page.batches), {
      'Wadi-Topic-Id': page.topicId,
      'Wadi-Fetch-Offset': String(page.fetchOffset),
      'Wadi-Next-Offset': String(page.nextOffset),
      'Wadi-Start-Offset': String(page.startOffset),
      'Wadi-End-Offset': String(page.endOffset),
    });
  }
  const page = await fetchRecords(api.broker, request);
  const { nextOffset, endOffset, startOffset } = page;
  return answerPage(
    api,
    context,
    page.topicId,
    writeJsonRecords(
      page.records.map((record) => ({ ...record, partition })),
      { encoding },
    ),
    { nextOffset, endOffset, startOffset },
  );
};

export const fetchAll: Handler = async (api, context) => {
  fetchTypeOf(context, [jsonType]);
  const query = readQuery(context, topicQuery);
  const { cursor, topicId, encoding } = query;
  if (cursor !== undefined && (query.from !== undefined || query.timestamp !== undefined)) throw tooManyStarts();
  const page = await fetchTopic(api.broker, { topic: topicOf(context), topicId, from: cursor === undefined ? { start: startOf(query, undefined) } : { cursor }, ...pageOf(api, context, query) });
  return answerPage(api, context, page.topicId, writeJsonRecords(page.records, { encoding }), { cursor: page.cursor, partitions: page.partitions });
};

export const offsetsOf: Handler = async (api, context) => {
  const { at, timestamp } = readQuery(context, offsetsQuery);
  if (at !== undefined && timestamp !== undefined) throw new WadiError('invalid_request', 'Give one of "at" and "timestamp".');
  return answerJson(api, context, 200, await listOffsets(api.broker, topicOf(context), timestamp === undefined ? { at: at ?? 'latest' } : { at: 'timestamp', timestamp }));
};

/** @throws WadiError invalid_request where more than one start is given */
function startOf({ from, timestamp }: Common, offset: Start | undefined): Start {
  if ([from, timestamp, offset].filter((start) => start !== undefined).length > 1) throw tooManyStarts();
  if (offset !== undefined) return offset;
  if (timestamp !== undefined) return { at: 'timestamp', timestamp };
  if (from === undefined || from === 'earliest') return { at: 'earliest' };
  return from === 'latest' ? { at: 'latest' } : { at: 'last', records: Number(from.slice('end-'.length)) };
}

const tooManyStarts = (): WadiError => new WadiError('invalid_request', 'Give one place to begin at: "offset" or "cursor", "timestamp", or "from".');

/** A wait ends early when the client goes away and when the server stops. */
function pageOf(api: Api, context: RequestContext, { limit, maxBytes, waitMs = 0 }: Common) {
  const budget = { maxRecords: limit ?? limits.defaultFetchRecords, maxBytes: maxBytes ?? limits.defaultFetchBytes };
  return { budget, waitMs, signal: waitMs === 0 ? undefined : AbortSignal.any([context.req.raw.signal, api.stopping]) };
}

/**
 * The records are bytes already and are not looked at again.
 * @throws WadiError server_busy
 */
function answerPage(api: Api, context: RequestContext, topicId: string, records: Uint8Array, rest: object): Response {
  const parts = [Buffer.from(`{"topicId":"${topicId}",`), records, Buffer.from(`,${JSON.stringify(rest).slice(1)}`)];
  const body = Buffer.concat(parts);
  if (context.req.method !== 'HEAD') holdAnswer(api, context, body.length);
  return answer(api, context, 200, jsonType, body);
}
