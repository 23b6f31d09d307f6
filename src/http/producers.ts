// Producers: ids and epochs for idempotent producers. Nothing is stored: an id is drawn so that no other is likely the
// same, and a partition fences an epoch from the first batch of a newer one on.

import { createRoute, z } from '@hono/zod-openapi';
import { maxProducerEpoch } from '../record/batch-encode.ts';
import { WadiError } from '../record/errors.ts';
import { answerJson } from './answer.ts';
import type { Handler } from './api.ts';
import { readControlBody } from './control-body.ts';
import { withBody } from './read-body.ts';
import { responses } from './schemas.ts';

const idError = { error: '"id" is an integer from 0 to 2^53 - 1.' };
const id = z.number(idError).int(idError).min(0, idError);
const epochError = { error: `"epoch" is an integer from 0 to ${maxProducerEpoch}.` };
const epoch = z.number(epochError).int(epochError).min(0, epochError).max(maxProducerEpoch, epochError);
const asked = z.strictObject({ id: id.optional(), epoch: epoch.optional() });
const producer = z.object({ id: z.number().int(), epoch: z.number().int() }).openapi('Producer');

export const producersRoute = createRoute({
  method: 'post',
  path: '/v1/producers',
  summary: 'Take an id, or the next epoch of one',
  request: { body: { content: { 'application/json': { schema: asked } }, description: '`{}` for a new id; id and epoch of a producer to take it over: its old epoch is fenced.' } },
  responses: responses({ 200: ['Sequences begin at 0 in each partition.', producer] }),
});

export const takeProducer: Handler = (api, context) =>
  withBody(api, context, async (body) => {
    const given = readControlBody(context, body, asked);
    if ((given.id === undefined) !== (given.epoch === undefined)) throw new WadiError('invalid_request', 'Send "id" and "epoch" of the producer that you take over, or neither.');
    // The last epoch has no next one: a new id begins.
    const next =
      given.id === undefined || given.epoch === undefined || given.epoch === maxProducerEpoch ? { id: drawId(api.broker.random.bytes(7)), epoch: 0 } : { id: given.id, epoch: given.epoch + 1 };
    return answerJson(api, context, 200, next);
  });

/** Below 2^53. */
const drawId = (random: Uint8Array): number => random.reduce((drawn, byte, i) => drawn * 0x100 + (i === 0 ? byte % 0x20 : byte), 0);
