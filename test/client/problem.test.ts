// What a client makes of answers that are none of Wadi's.

import { expect, it } from 'vitest';
import { problemOf } from '../../src/client/problem.ts';

const lambda = (status: number, message: string) => problemOf(new Response(JSON.stringify({ Message: message }), { status }));

it('Lambda at its limit has done nothing, and may be asked again', async () => {
  expect(await lambda(429, 'Rate Exceeded.')).toMatchObject({ status: 429, code: 'not_wadi', retryable: true, sideEffects: 'none', message: expect.stringContaining('Rate Exceeded') });
});

it('who is not let in has done nothing, and asking again does not help', async () => {
  for (const status of [401, 403]) expect(await lambda(status, 'Forbidden')).toMatchObject({ status, retryable: false, sideEffects: 'none' });
});

it('of a function that ended nobody knows what it did', async () => {
  expect(await problemOf(new Response('Internal Server Error', { status: 502 }))).toMatchObject({ status: 502, code: 'not_wadi', retryable: false, sideEffects: 'unknown' });
});

it('ours is taken as it is', async () => {
  const document = { status: 503, code: 'append_unknown', detail: 'who knows', retryable: true, sideEffects: 'unknown' };
  expect(await problemOf(new Response(JSON.stringify(document), { status: 503, headers: { 'retry-after': '2' } }))).toMatchObject({ code: 'append_unknown', retryable: true, retryAfterMs: 2_000 });
});
