// Errors as RFC 9457 problem details. The HTTP status of every code stands here and nowhere else; a Record over
// all codes, so that the compiler proves the table complete.

import { anyError } from '../broker/failures.ts';
import { type ErrorCode, type ErrorFacts, errorTable, type SideEffects, type WadiError } from '../record/errors.ts';
import { answer, problemType, requestIdOf } from './answer.ts';
import type { Api, RequestContext } from './api.ts';

export const statuses: Record<ErrorCode, number> = {
  invalid_request: 400,
  invalid_json: 400,
  invalid_utf8: 400,
  json_too_deep: 400,
  body_too_large: 413,
  body_incomplete: 400,
  request_timeout: 408,
  headers_too_large: 431,
  unsupported_media_type: 415,
  not_acceptable: 406,
  not_found: 404,
  method_not_allowed: 405,
  origin_not_allowed: 403,
  host_not_allowed: 403,
  unauthorized: 401,
  forbidden: 403,
  not_implemented: 501,
  too_many_records: 413,

  invalid_topic_name: 400,
  invalid_partitions: 400,
  invalid_config: 400,
  topic_exists: 409,
  topic_changed: 409,
  topic_not_found: 404,
  topic_recreated: 410,
  partition_not_found: 404,

  record_too_large: 413,
  invalid_record: 400,
  invalid_timestamp: 400,
  invalid_batch: 400,
  corrupt_batch: 400,
  unsupported_batch: 400,
  invalid_compression: 400,
  decompressed_too_large: 413,

  offset_mismatch: 412,
  out_of_order_sequence: 409,
  producer_fenced: 409,
  idempotency_key_reused: 422,
  partition_busy: 429,
  server_busy: 503,
  shutting_down: 503,
  append_unknown: 504,

  offset_out_of_range: 410,
  invalid_cursor: 400,

  storage_full: 507,
  storage_unavailable: 503,
  storage_corrupt: 500,
  unsupported_format: 500,
  internal: 500,
};

/** Seconds after which the same request may well succeed. */
export const retryAfterS: Partial<Record<ErrorCode, number>> = {
  partition_busy: 1,
  server_busy: 1,
  shutting_down: 1,
  storage_unavailable: 1,
  storage_full: 30,
};

/** An offset below the log is gone for ever, one beyond its end may come to be. */
export function statusOf({ code, facts }: Pick<WadiError, 'code' | 'facts'>): number {
  if (code === 'offset_out_of_range' && Number(facts['offset']) > Number(facts['endOffset'])) return 416;
  return statuses[code];
}

const problemTypeUri = (code: ErrorCode): string => `/errors/${code}`;

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryable: boolean;
  readonly sideEffects: SideEffects;
};

export function problemOf(error: WadiError): Problem & ErrorFacts {
  const { code, message: detail, facts, sideEffects } = error;
  const { title, retryable } = errorTable[code];
  return { type: problemTypeUri(code), title, status: statusOf(error), code, detail, retryable, sideEffects, ...facts };
}

/** What the client is told. Causes are for the log: no client sees them. */
export function tellProblem(api: Api, context: RequestContext, error: WadiError): Problem & ErrorFacts {
  const problem = problemOf(error);
  api.requests.failed(error.code);
  if (problem.status === 500) {
    const { method, path } = context.req;
    api.broker.telemetry.report('request_failed', { requestId: requestIdOf(api, context), method, path, code: error.code }, error.cause ?? error);
  }
  return problem;
}

/** The answer to a request that threw. */
export function answerProblem(api: Api, context: RequestContext, thrown: unknown, more: Readonly<Record<string, string>> = {}): Response {
  const error = anyError(thrown);
  const problem = tellProblem(api, context, error);
  const wait = retryAfterS[error.code];
  const headers = wait === undefined ? more : { ...more, 'Retry-After': String(wait) };
  return answer(api, context, problem.status, problemType, JSON.stringify(problem), headers);
}
