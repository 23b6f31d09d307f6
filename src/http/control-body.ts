// Bodies of control requests: small JSON objects, checked against the schema of their route.

import type { z } from '@hono/zod-openapi';
import { WadiError } from '../record/errors.ts';
import { jsonType } from './answer.ts';
import type { RequestContext } from './api.ts';
import { contentTypeOf, unsupportedType } from './media-types.ts';
import { describeIssue } from './query.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * No body is the same as `{}`.
 * @throws WadiError unsupported_media_type, invalid_utf8, invalid_json, invalid_request
 */
export function readControlBody<T extends z.ZodObject>(context: RequestContext, bytes: Uint8Array, schema: T): z.output<T> {
  const type = contentTypeOf(context);
  if (bytes.length > 0 && type !== undefined && type !== jsonType) throw unsupportedType(type, 'Send JSON.');
  const given = bytes.length === 0 ? {} : parseJson(bytes);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new WadiError('invalid_request', `The body is a JSON object of ${Object.keys(schema.shape).join(', ')}.`);
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  throw new WadiError('invalid_request', describeIssue(read.error.issues[0] as z.core.$ZodIssue, 'member', Object.keys(schema.shape)));
}

function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new WadiError('invalid_utf8', 'The body is not valid UTF-8.');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WadiError('invalid_json', `The body is not valid JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
}
