// Fetch: records of one partition, as JSON or as the record batches that are stored, or of all partitions of a
// topic; and where in each partition a place lies.

import { createRoute, z } from '@hono/zod-openapi';
import { fetchBatches } from '../broker/fetch.ts';
import type { Start } from '../broker/find-offset.ts';
import { listOffsets } from '../broker/list-offsets.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { answer, answerJson, answerViews, batchesType, eventStreamType, jsonType, ndjsonType } from './answer.ts';
import { holdAnswer } from './answer-budget.ts';
import type { Api, Handler, RequestContext } from './api.ts';
import { viewBatches } from './bodies/batches.ts';
import { writeJsonRecords } from './bodies/json.ts';
import { type FetchType, fetchTypeOf } from './media-types.ts';
import { type Page, partitionPages, type ReadPage, topicPages } from './pages.ts';
import { integer, oneOf, partitionOf, readInteger, readQuery, text, topicOf } from './query.ts';
import { partitionPath, responses, topicPath } from './schemas.ts';
import { fetchEvents } from './streams/fetch-events.ts';
import { fetchLines } from './streams/fetch-lines.ts';

const int = z.number().int();

const fromMessage = '"from" is "earliest", "latest" or "end-N" with an integer N.';
const common = {
  timestamp: integer('timestamp', 'Begin at the first record at or after this time, in ms since 1970; at the end where there is none.').optional(),
  from: z
    .string()
    .regex(/^(earliest|latest|end-(0|[1-9][0-9]{0,14}))$/, { error: fromMessage })
    .optional()
    .openapi({ description: '`earliest` (the default), `latest`, or `end-N`: N records before the end.' }),
  limit: integer('limit', `At most so many records, in an event or a page at most ${limits.maxFetchRecords}; default ${limits.defaultFetchRecords}, as lines all that there are.`, {
    min: 1,
  }).optional(),
  maxBytes: integer(
    'maxBytes',
    `At most so many bytes of keys and values (of stored batches, where those are asked for), but always one record; in an event or a page at most ${limits.maxFetchBytes}; default ${limits.defaultFetchBytes}, as lines all that there are.`,
    { min: 1 },
  ).optional(),
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

const streams = {
  [ndjsonType]: z.string().openapi({ description: 'A record a line; the last line is the position, or the error that ended the answer.' }),
  [eventStreamType]: z.string().openapi({ description: 'A page an event, as it comes; its id resumes as Last-Event-ID.' }),
};

export const fetchPartitionRoute = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/partitions/{partition}/records',
  summary: 'Read one partition',
  request: { params: partitionPath, query: partitionQuery },
  responses: responses(
    { 200: [`A page of records; go on at nextOffset. As ${batchesType}: whole batches, the first of which may begin below Wadi-Fetch-Offset.`, page] },
    { ...streams, [batchesType]: z.string().openapi({ format: 'binary' }) },
  ),
});
export const fetchTopicRoute = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/records',
  summary: 'Read all partitions',
  request: { params: topicPath, query: topicQuery },
  responses: responses({ 200: ['A page of records; go on with the cursor.', topicPage] }, streams),
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
  const type = fetchTypeOf(context, [jsonType, batchesType, ndjsonType, eventStreamType]);
  const query = readQuery(context, partitionQuery);
  const { offset, topicId } = query;
  const last = lastEventId(context, type);
  const at = last === undefined ? offset : readInteger('Last-Event-ID', last);
  const start = startOf(last === undefined ? query : {}, at === undefined ? undefined : { at: 'offset', offset: at });
  const request = { topic: topicOf(context), topicId, partition: partitionOf(context), start };
  if (type !== batchesType) return answerRecords(api, context, type, query, partitionPages(api.broker, request));
  if (query.encoding !== undefined) throw new WadiError('invalid_request', `"encoding" is for ${jsonType}.`);
  const page = await fetchBatches(api.broker, { ...request, ...pageOf(api, context, query) });
  return answerViews(api, context, batchesType, viewBatches(page.batches), {
    'Wadi-Topic-Id': page.topicId,
    'Wadi-Fetch-Offset': String(page.fetchOffset),
    'Wadi-Next-Offset': String(page.nextOffset),
    'Wadi-Start-Offset': String(page.startOffset),
    'Wadi-End-Offset': String(page.endOffset),
  });
};

export const fetchAll: Handler = async (api, context) => {
  const type = fetchTypeOf(context, [jsonType, ndjsonType, eventStreamType]);
  const query = readQuery(context, topicQuery);
  const { topicId } = query;
  const last = lastEventId(context, type);
  const cursor = last ?? query.cursor;
  if (last === undefined && cursor !== undefined && (query.from !== undefined || query.timestamp !== undefined)) throw tooManyStarts();
  const from = cursor === undefined ? { start: startOf(query, undefined) } : { cursor };
  return answerRecords(api, context, type, query, topicPages(api.broker, { topic: topicOf(context), topicId, from }));
};

/** Where a stream of events was broken off: it wins over what the query says, which stands in the page's address for good. */
function lastEventId({ env: { incoming } }: RequestContext, type: FetchType): string | undefined {
  const last = incoming.headers['last-event-id'];
  return type === eventStreamType && typeof last === 'string' && last !== '' ? last : undefined;
}

async function answerRecords(api: Api, context: RequestContext, type: FetchType, query: Common, readPage: ReadPage): Promise<Response> {
  const { encoding, limit = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY, waitMs = 0 } = query;
  if (type === ndjsonType) return fetchLines(api, context, readPage, { encoding, maxRecords: limit, maxBytes, waitMs: Math.min(waitMs, api.maxWaitMs) });
  if (type === eventStreamType) return fetchEvents(api, context, readPage, { encoding, budget: budgetOf({ ...query, maxBytes: query.maxBytes ?? limits.linePageBytes }) });
  return answerPage(api, context, await readPage(pageOf(api, context, query)), encoding);
}

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

/** @throws WadiError invalid_request */
function budgetOf({ limit = limits.defaultFetchRecords, maxBytes = limits.defaultFetchBytes }: Common) {
  if (limit > limits.maxFetchRecords) throw new WadiError('invalid_request', `"limit" is an integer from 1 to ${limits.maxFetchRecords}, unless you accept ${ndjsonType}.`);
  if (maxBytes > limits.maxFetchBytes) throw new WadiError('invalid_request', `"maxBytes" is an integer from 1 to ${limits.maxFetchBytes}, unless you accept ${ndjsonType}.`);
  return { maxRecords: limit, maxBytes };
}

/** A wait ends early when the client goes away and when the server stops. */
function pageOf(api: Api, context: RequestContext, query: Common) {
  const waitMs = Math.min(query.waitMs ?? 0, api.maxWaitMs);
  return { budget: budgetOf(query), waitMs, signal: waitMs === 0 ? undefined : AbortSignal.any([context.req.raw.signal, api.stopping]) };
}

/**
 * The records are bytes already and are not looked at again.
 * @throws WadiError server_busy
 */
function answerPage(api: Api, context: RequestContext, { topicId, records, position }: Page, encoding: 'base64' | undefined): Response {
  const parts = [Buffer.from(`{"topicId":"${topicId}",`), writeJsonRecords(records, { encoding }), Buffer.from(`,${JSON.stringify(position).slice(1)}`)];
  const body = Buffer.concat(parts);
  if (context.req.method !== 'HEAD') holdAnswer(api, context, body.length);
  return answer(api, context, 200, jsonType, body);
}
