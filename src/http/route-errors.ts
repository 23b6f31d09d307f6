// Which errors a route may answer, as its OpenAPI document says it: by status, each code with its title. A test provokes
// every one of them on every route that names it.

import type { RouteConfig } from '@hono/zod-openapi';
import { type ErrorCode, errorTable } from '../record/errors.ts';
import { problemType } from './answer.ts';
import type { Need } from './gate.ts';
import { statuses } from './problems.ts';
import { problem } from './schemas.ts';

/** Told on any route, most of them before it is known which. */
const ofEveryRequest: readonly ErrorCode[] = ['invalid_request', 'headers_too_large', 'request_timeout', 'host_not_allowed'];

/** Where the ledger is read. */
export const ofReading: readonly ErrorCode[] = ['storage_unavailable', 'storage_corrupt', 'unsupported_format', 'internal'];
/** Where the ledger is written to. */
export const ofWriting: readonly ErrorCode[] = [...ofReading, 'storage_full'];
/** Where a topic is looked up. */
export const ofTopic: readonly ErrorCode[] = ['invalid_topic_name', 'topic_not_found'];
/** Where there is a body. */
export const ofBody: readonly ErrorCode[] = ['origin_not_allowed', 'unsupported_media_type', 'body_too_large', 'invalid_json', 'invalid_utf8', 'server_busy'];
/** Where records are sent. */
export const ofRecords: readonly ErrorCode[] = [
  ...ofBody,
  ...ofWriting,
  ...ofTopic,
  'json_too_deep',
  'too_many_records',
  'partition_not_found',
  'record_too_large',
  'invalid_record',
  'invalid_timestamp',
  'idempotency_key_reused',
  'partition_busy',
  'shutting_down',
  'append_unknown',
];
/** Where record batches are sent. */
export const ofBatches: readonly ErrorCode[] = ['invalid_batch', 'corrupt_batch', 'unsupported_batch', 'invalid_compression', 'decompressed_too_large'];
/** Where records are fetched. */
export const ofFetch: readonly ErrorCode[] = [...ofReading, ...ofTopic, 'not_acceptable', 'server_busy', 'topic_recreated'];

/** All that the route may answer, in the order of the table of errors. */
export function errorsOf({ need, errors = [] }: { readonly need: Need; readonly errors?: readonly ErrorCode[] }): ErrorCode[] {
  const ofAccess: readonly ErrorCode[] = need === 'free' ? [] : need === 'any' ? ['unauthorized'] : ['unauthorized', 'forbidden'];
  const all = new Set([...ofEveryRequest, ...ofAccess, ...errors]);
  return (Object.keys(errorTable) as ErrorCode[]).filter((code) => all.has(code));
}

/** For `responses` of a route. */
export function problemResponses(codes: readonly ErrorCode[]): RouteConfig['responses'] {
  const byStatus = Map.groupBy(codes, statusInDocument);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        status,
        {
          description: codes.map((code) => `\`${code}\`: ${errorTable[code].title}.`).join('\n\n'),
          content: { [problemType]: { schema: problem.extend({ code: problem.shape.code.openapi({ enum: [...codes] }) }) } },
        },
      ]),
  );
}

/** The start of a log cannot be moved yet, so all that is out of range lies beyond its end. */
const statusInDocument = (code: ErrorCode): number => (code === 'offset_out_of_range' ? 416 : statuses[code]);
