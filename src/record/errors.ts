// The one table of errors. A code knows whether sending the same request again can help (`retryable`) and
// what it left behind (`sideEffects`, I4): "none" is a promise that nothing of the request stands. The HTTP
// status of each code is in src/http/problems.ts; docs/ERRORS.md is checked against this table by a test.

export type SideEffects = 'none' | 'some' | 'unknown';

type Row = { readonly title: string; readonly retryable: boolean; readonly sideEffects: SideEffects };

const row = (title: string, retryable = false, sideEffects: SideEffects = 'none'): Row => ({ title, retryable, sideEffects });

export const errorTable = {
  // the request
  invalid_request: row('The request is not of the documented form'),
  invalid_json: row('The body is not valid JSON'),
  invalid_utf8: row('The body is not valid UTF-8'),
  json_too_deep: row('The JSON is nested more deeply than the limit'),
  body_too_large: row('The body is larger than the limit'),
  body_incomplete: row('The connection ended before the body did'),
  request_timeout: row('The request did not arrive in time', true),
  headers_too_large: row('The request line and headers are larger than the limit'),
  unsupported_media_type: row('No reader for this content type'),
  not_acceptable: row('No writer for this Accept header'),
  not_found: row('No such route'),
  method_not_allowed: row('The route does not take this method'),
  origin_not_allowed: row('The request was made by a web page of another origin'),
  host_not_allowed: row('The Host header does not name this machine'),
  unauthorized: row('No token that the server knows'),
  forbidden: row('The token does not give this access'),
  not_implemented: row('Documented, but not built yet'),
  too_many_records: row('More records than one request may carry'),

  // topics
  invalid_topic_name: row('The name is not a valid topic name'),
  invalid_partitions: row('The partition count is out of bounds'),
  invalid_config: row('A topic setting is unknown or out of bounds'),
  topic_exists: row('A topic of this name stands with other settings'),
  topic_changed: row('The topic was changed by another request', true),
  topic_not_found: row('No topic of this name'),
  topic_recreated: row('The topic was deleted and another made under its name'),
  partition_not_found: row('The topic has no such partition'),

  // records
  record_too_large: row('A record or batch is larger than max.message.bytes'),
  invalid_record: row('A record is not of the documented form'),
  invalid_timestamp: row('A timestamp is not an integer in [0, now + 1 day]'),
  invalid_batch: row('The bytes are not a valid record batch'),
  corrupt_batch: row('The checksum of a record batch does not match'),
  unsupported_batch: row('A record batch of a kind that is not taken'),
  invalid_compression: row('The compressed part of a record batch cannot be read'),
  decompressed_too_large: row('A record batch decompresses to more than the limit'),

  // append
  offset_mismatch: row('The partition does not end at the expected offset'),
  out_of_order_sequence: row('The producer left a gap in its sequence'),
  producer_fenced: row('A newer epoch of this producer exists'),
  idempotency_key_reused: row('The idempotency key was used for another request'),
  partition_busy: row('Too much waits on this partition', true),
  server_busy: row('Too much is in flight in this server', true),
  shutting_down: row('The server is about to stop', true),
  append_unknown: row('Whether the records stand is not known', true, 'unknown'),

  // fetch
  offset_out_of_range: row('The offset lies outside the log'),
  invalid_cursor: row('The cursor was not made by this service'),

  // stores
  storage_full: row('The disk or the store is full', true),
  storage_unavailable: row('A store did not answer in time', true),
  storage_corrupt: row('Stored bytes do not match their checksum'),
  unsupported_format: row('Stored by a newer version of this software'),
  internal: row('An error of ours', false, 'unknown'),
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof errorTable;

/** Facts that an error carries besides its detail; they appear as members of the problem document. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean>>;

/** An error of the table. `detail` says what is wrong and what to do next; `sideEffects` may be given where one call knows better than the table. */
export class WadiError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  readonly sideEffects: SideEffects;

  constructor(code: ErrorCode, detail: string, facts: ErrorFacts = {}, options: { cause?: unknown; sideEffects?: SideEffects } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WadiError';
    this.code = code;
    this.facts = facts;
    this.sideEffects = options.sideEffects ?? errorTable[code].sideEffects;
  }

  get title(): string {
    return errorTable[this.code].title;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** Narrows an unknown exception: ours as it is, anything else as `internal` (the cause kept for the log, not for the client). */
export function toWadiError(error: unknown): WadiError {
  return error instanceof WadiError ? error : new WadiError('internal', 'The server met an error of its own; its log has the details.', {}, { cause: error });
}
