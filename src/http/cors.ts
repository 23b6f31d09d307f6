// Web pages of other origins (the Fetch standard, CORS): those that the server was told of may read answers and write.

import type { Api, RequestContext } from './api.ts';

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const requestHeaders = 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Wadi-Expected-Offset, X-Request-Id';
const answerHeaders = 'Retry-After, X-Request-Id, Wadi-Topic-Id, Wadi-Fetch-Offset, Wadi-Next-Offset, Wadi-Start-Offset, Wadi-End-Offset';
const maxAgeS = 600;

export function isAllowedOrigin({ corsOrigins }: Pick<Api, 'corsOrigins'>, origin: string | undefined): boolean {
  return origin !== undefined && (corsOrigins.has('*') || corsOrigins.has(origin));
}

/** For every answer. No cookies are looked at, so none are allowed. */
export function addCorsHeaders(api: Api, context: RequestContext, headers: Record<string, string>): void {
  if (api.corsOrigins.size === 0) return;
  headers['Vary'] = 'Origin';
  const { origin } = context.env.incoming.headers;
  if (origin === undefined || !isAllowedOrigin(api, origin)) return;
  headers['Access-Control-Allow-Origin'] = origin;
  headers['Access-Control-Expose-Headers'] = answerHeaders;
}

export const preflightHeaders = { 'Access-Control-Allow-Methods': methods, 'Access-Control-Allow-Headers': requestHeaders, 'Access-Control-Max-Age': String(maxAgeS) };
