// GET /metrics, for Prometheus and whoever reads its format.

import { createRoute, z } from '@hono/zod-openapi';
import { WadiError } from '../record/errors.ts';
import { answer } from './answer.ts';
import type { Handler } from './api.ts';

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

export const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Metrics in the text format of Prometheus',
  responses: { 200: { description: 'docs/METRICS.md has every name.', content: { 'text/plain': { schema: z.string() } } } },
});

export const metrics: Handler = async (api, context) => {
  // They name all topics.
  if (context.env.grant?.topics !== undefined) throw new WadiError('forbidden', 'Metrics are for tokens that are for all topics.', { access: 'read' });
  return answer(api, context, 200, metricsType, await api.metrics());
};
