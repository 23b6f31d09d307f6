// Every answer of the API is made here, so that each carries its request's id, and so that a server that stops
// says `Connection: close` and is not asked again.

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { holdAnswer } from './answer-budget.ts';
import type { Api, RequestContext } from './api.ts';
import { addCorsHeaders } from './cors.ts';

export const jsonType = 'application/json';
export const problemType = 'application/problem+json';
export const batchesType = 'application/vnd.wadi.record-batches';
export const ndjsonType = 'application/x-ndjson';
export const eventStreamType = 'text/event-stream';

/** What a client may name its request: what can stand in a header and a log line without harm. */
const saneRequestId = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** The client's own id of the request, or one of ours; the same at every call. */
export function requestIdOf(api: Api, context: RequestContext): string {
  const { incoming } = context.env;
  const given = incoming.headers['x-request-id'];
  if (typeof given === 'string' && saneRequestId.test(given)) return given;
  const id = api.nextRequestId();
  incoming.headers['x-request-id'] = id;
  return id;
}

export function answer(api: Api, context: RequestContext, status: number, contentType: string, body: string | Uint8Array, more?: Readonly<Record<string, string>>): Response {
  return new Response(body as string, { status, headers: headersOf(api, context, contentType, more) });
}

export function headersOf(api: Api, context: RequestContext, contentType: string, more?: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = { 'Content-Type': contentType, 'X-Request-Id': requestIdOf(api, context), ...more };
  if (api.stopping.aborted) headers['Connection'] = 'close';
  addCorsHeaders(api, context, headers);
  return headers;
}

/** To HEAD, where GET would write its answer itself: Hono makes a new answer of one to HEAD, and would forget that it has been sent. */
export const answerHead = (api: Api, context: RequestContext, contentType: string, more?: Readonly<Record<string, string>>): Response =>
  new Response(null, { status: 200, headers: headersOf(api, context, contentType, more) });

/**
 * A 200 whose body lies in several places: handed to the socket as it is, for gluing it together costs more than sending it.
 * @throws WadiError server_busy
 */
export function answerViews(api: Api, context: RequestContext, contentType: string, views: readonly Uint8Array[], more: Readonly<Record<string, string>>): Response {
  const { outgoing } = context.env;
  const length = views.reduce((sum, view) => sum + view.length, 0);
  const withLength = { ...more, 'Content-Length': String(length) };
  if (context.req.method === 'HEAD') return answerHead(api, context, contentType, withLength);
  holdAnswer(api, context, length);
  outgoing.writeHead(200, headersOf(api, context, contentType, withLength));
  outgoing.cork();
  for (const view of views) outgoing.write(view);
  outgoing.end();
  outgoing.uncork();
  return RESPONSE_ALREADY_SENT;
}

export const answerJson = (api: Api, context: RequestContext, status: number, value: unknown, more?: Readonly<Record<string, string>>): Response =>
  answer(api, context, status, jsonType, JSON.stringify(value), more);
