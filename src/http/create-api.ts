// What the API needs besides the broker, made for one server.

import type { Broker } from '../broker/broker.ts';
import { limits } from '../record/limits.ts';
import { createAnswerBudget } from './answer-budget.ts';
import type { Api } from './api.ts';
import { createBodyBudget } from './read-body.ts';
import { createRequestMeter } from './request-meter.ts';

export function createApi(given: Pick<Api, 'broker' | 'version' | 'stopping' | 'onWorkLeft' | 'ready' | 'localOnly'> & Partial<Pick<Api, 'tokens' | 'corsOrigins' | 'metrics' | 'accessLog'>>): Api {
  return {
    tokens: () => undefined,
    corsOrigins: new Set(),
    metrics: async () => '',
    accessLog: undefined,
    maxWaitMs: limits.maxWaitMs,
    endpointsAt: (url) => ({ write: url, read: url }),
    ...given,
    requests: createRequestMeter(),
    bodies: createBodyBudget(),
    answers: createAnswerBudget(),
    nextRequestId: requestIds(given.broker),
  };
}

/** Unique over processes by random bytes, within one by a count. */
function requestIds({ random }: Broker): () => string {
  const process = Array.from(random.bytes(6), (byte) => byte.toString(16).padStart(2, '0')).join('');
  let count = 0;
  return () => `${process}-${(count++).toString(36)}`;
}
