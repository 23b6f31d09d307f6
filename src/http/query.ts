// Query and path parameters, read strictly: each is declared in a schema, what is not declared or stands twice is
// refused by name, and integers are written as one would write them (no sign, no exponent, no leading zero).

import { z } from '@hono/zod-openapi';
import { WadiError } from '../record/errors.ts';
import type { RequestContext } from './api.ts';

const digits = /^(0|[1-9][0-9]{0,15})$/;

/** An integer in [min, max], as it stands in a query or a header. */
export function integer(name: string, description: string, { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}) {
  const message = `"${name}" is an integer from ${min} to ${max === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : max}.`;
  return z
    .string({ error: message })
    .refine((text) => digits.test(text) && Number(text) >= min && Number(text) <= max, { error: message })
    .transform(Number)
    .openapi({ type: 'integer', format: 'int64', minimum: min, maximum: max, description });
}

export function oneOf<const T extends readonly [string, ...string[]]>(name: string, values: T, description: string) {
  return z.enum(values, { error: `"${name}" is ${values.map((value) => `"${value}"`).join(' or ')}.` }).openapi({ description });
}

export const text = (name: string, description: string, maxLength = 4096) =>
  z
    .string()
    .max(maxLength, { error: `"${name}" has at most ${maxLength} characters.` })
    .openapi({ description });

/** @throws WadiError invalid_request, which names the parameter */
export function readQuery<T extends z.ZodObject>(context: RequestContext, schema: T): z.output<T> {
  const url = context.req.url;
  const at = url.indexOf('?');
  const given = at < 0 ? {} : parseQuery(url.slice(at + 1));
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  throw new WadiError('invalid_request', describeIssue(read.error.issues[0] as z.core.$ZodIssue, 'query parameter', Object.keys(schema.shape)));
}

function parseQuery(query: string): Record<string, string> {
  const given: Record<string, string> = Object.create(null);
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (name in given) throw new WadiError('invalid_request', `The query parameter ${quoted(name)} stands there twice.`);
    given[name] = equals < 0 ? '' : decode(pair.slice(equals + 1));
  }
  return given;
}

function decode(encoded: string): string {
  const spaced = encoded.includes('+') ? encoded.replaceAll('+', ' ') : encoded;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw new WadiError('invalid_request', `${quoted(encoded)} in the query is not percent-encoded UTF-8.`);
  }
}

/** What is wrong, in a sentence that names the place and what would be right. */
export function describeIssue(issue: z.core.$ZodIssue, what: string, known: readonly string[]): string {
  if (issue.code === 'unrecognized_keys') {
    const list = known.length === 0 ? 'This route takes none' : `There are ${known.join(', ')}`;
    return `There is no ${what} ${quoted(issue.keys[0] ?? '')}. ${list}.`;
  }
  const place = issue.path.map(String).join('.');
  return issue.message.startsWith('"') || place === '' ? issue.message : `"${place}": ${issue.message}.`;
}

const quoted = (value: string): string => JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);

/** @throws WadiError invalid_request */
export function readInteger(name: string, given: string): number {
  const value = Number(given);
  if (!digits.test(given) || value > Number.MAX_SAFE_INTEGER) throw new WadiError('invalid_request', `${name} is an integer from 0 to 2^53 - 1, not ${quoted(given)}.`);
  return value;
}

export const topicOf = (context: RequestContext): string => context.req.param('topic') ?? '';

/** @throws WadiError invalid_request */
export const partitionOf = (context: RequestContext): number => readInteger('The partition in the path', context.req.param('partition') ?? '');
