// Schemas that several routes share: parameters of the path, settings, and what answers say. Settings and
// partition counts are checked by the log itself (src/log/topic.ts), which names each bound.

import { z } from '@hono/zod-openapi';
import { limits } from '../record/limits.ts';

export const topicPath = z.object({ topic: z.string().openapi({ description: '1 to 249 characters of A-Z a-z 0-9 . _ -', example: 'orders' }) });

export const partitionPath = topicPath.extend({ partition: z.string().openapi({ type: 'integer', description: 'Numbered from 0.', example: 0 }) });

export const partitionCount = z.number({ error: '"partitions" is an integer.' }).openapi({ type: 'integer', minimum: 1, maximum: limits.maxPartitions, example: 3 });

export const config = z.record(z.string(), z.unknown(), { error: '"config" is an object of settings.' }).openapi({ description: "Kafka's topic settings.", example: { 'retention.ms': 604_800_000 } });

export const topicDescription = z.object({ name: z.string(), topicId: z.string(), partitions: z.number().int(), config }).openapi('Topic');

const int = z.number().int();

export const partitionDescription = z.object({ partition: int, startOffset: int, endOffset: int, bytes: int, objects: int });

/** RFC 9457; docs/ERRORS.md has every code. */
export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: int,
    code: z.string(),
    detail: z.string(),
    retryable: z.boolean(),
    sideEffects: z.enum(['none', 'some', 'unknown']),
  })
  .openapi('Problem');

/** For `responses` of a route: its answers but for problems, which route-errors.ts adds. `more`: schemas of 200 by other media types. */
export function responses(answers: Readonly<Record<number, readonly [description: string, schema: z.ZodType]>>, more: Readonly<Record<string, z.ZodType>> = {}) {
  const other = Object.fromEntries(Object.entries(more).map(([type, schema]) => [type, { schema }]));
  const described = Object.entries(answers).map(([status, [description, schema]]) => [status, { description, content: { 'application/json': { schema }, ...(status === '200' ? other : {}) } }]);
  return Object.fromEntries(described);
}
