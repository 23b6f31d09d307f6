// What the service says of itself: name, limits and where to go; whether it lives and whether it takes work.

import { createRoute, z } from '@hono/zod-openapi';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { answerJson } from './answer.ts';
import type { Handler, RequestContext } from './api.ts';
import { responses } from './schemas.ts';

/** Those that a client can meet. */
const shownLimits = {
  maxRecordsPerRequest: limits.maxRecordsPerRequest,
  maxRecordsPerBatch: limits.maxRecordsPerBatch,
  maxBatchesPerRequest: limits.maxBatchesPerRequest,
  maxHeadersPerRecord: limits.maxHeadersPerRecord,
  maxJsonDepth: limits.maxJsonDepth,
  maxMessageBytes: limits.maxMaxMessageBytes,
  maxFetchRecords: limits.maxFetchRecords,
  maxFetchBytes: limits.maxFetchBytes,
  maxTopicNameLength: limits.maxTopicNameLength,
  maxPartitions: limits.maxPartitions,
  maxTopicsPage: limits.maxTopicsPage,
  maxIdempotencyKeyLength: limits.maxIdempotencyKeyLength,
};

const endpoints = z.object({ write: z.string(), read: z.string() });
const about = z.object({ name: z.string(), version: z.string(), limits: z.record(z.string(), z.number()), endpoints });
const status = z.object({ status: z.string() });

export const aboutRoute = createRoute({
  method: 'get',
  path: '/v1',
  summary: 'Name, version, limits, endpoints',
  responses: responses({ 200: ['Clients send what is not a GET to `endpoints.write`, and GETs to `endpoints.read`.', about] }),
});
export const healthRoute = createRoute({ method: 'get', path: '/healthz', summary: 'Whether the process lives', responses: responses({ 200: ['It does.', status] }) });
export const readyRoute = createRoute({ method: 'get', path: '/readyz', summary: 'Whether the server takes requests', responses: responses({ 200: ['It does.', status] }) });

/** As the client reached us, which is the only address that is sure to work for it. */
const originOf = (context: RequestContext): string => new URL(context.req.url).origin;

export const aboutService: Handler = (api, context) => {
  return answerJson(api, context, 200, {
    name: 'wadi',
    version: api.version,
    limits: { maxBodyBytes: api.bodies.maxBodyBytes, ...shownLimits, maxWaitMs: api.maxWaitMs },
    endpoints: api.endpointsAt(originOf(context)),
  });
};

export const health: Handler = (api, context) => answerJson(api, context, 200, { status: 'alive' });

export const ready: Handler = (api, context) => {
  if (api.stopping.aborted) throw new WadiError('shutting_down', 'The server is about to stop. Send requests to its successor.');
  if (!api.ready()) throw new WadiError('storage_unavailable', 'The store takes no writes until the server is restarted; reading may go on.');
  return answerJson(api, context, 200, { status: 'ready' });
};
