// Every answer of the API is made here, so that each carries its request's id, and so that a server that stops
// says `Connection: close` and is not asked again.

import type { Api, RequestContext } from './api.ts';

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
  const headers: Record<string, string> = { 'Content-Type': contentType, 'X-Request-Id': requestIdOf(api, context), ...more };
  if (api.stopping.aborted) headers['Connection'] = 'close';
  return new Response(body as string, { status, headers });
}

export const answerJson = (api: Api, context: RequestContext, status: number, value: unknown, more?: Readonly<Record<string, string>>): Response =>
  answer(api, context, status, jsonType, JSON.stringify(value), more);
