// Whatever a client sends, the answer is one of the API's own: a problem that names what is wrong, never a 500, and
// never a body that is not of the documented form.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchesType, ndjsonType } from '../../src/http/answer.ts';
import { metricsType } from '../../src/http/metrics.ts';
import { builtRoutes } from '../../src/http/routes.ts';
import { errorTable } from '../../src/record/errors.ts';
import { clientOf } from './contract/client.ts';
import { type Home, memoryBroker, serveBroker } from './contract/homes.ts';

let home: Home;
const reports: string[] = [];
const { send, append } = clientOf(() => home);

beforeAll(async () => {
  home = await serveBroker(await memoryBroker({ telemetry: { count: () => {}, commitSize: () => {}, report: (event, facts, cause) => reports.push(`${event} ${JSON.stringify(facts)} ${cause}`) } }));
  await send('PUT', '/v1/topics/t', { json: { partitions: 2 } });
  await append('/v1/topics/t', ['x', 'y']);
});
afterAll(() => home.close());

const names = ['offset', 'timestamp', 'from', 'limit', 'maxBytes', 'waitMs', 'topicId', 'encoding', 'cursor', 'at', 'as', 'key', 'answer', 'after', 'toString', '__proto__'];
const words = [
  '0',
  '1',
  '2',
  '-1',
  '1e3',
  '9007199254740991',
  '9007199254740993',
  'earliest',
  'latest',
  'end-1',
  'value',
  'values',
  'records',
  'base64',
  '%',
  '%00',
  '%ff',
  '__proto__',
  'constructor',
  '',
];
// Waits are for other tests.
const pair = fc
  .tuple(fc.constantFrom(...names), fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 12 }).map(encodeURIComponentSafely)))
  .filter(([name, value]) => name !== 'waitMs' || !/^[1-9]/.test(value));
const query = fc.array(pair, { maxLength: 3 }).map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`));
const place = fc.tuple(fc.constantFrom('t', 't', 't', 'gone', '%2e%2e', 'a%2Fb', '__proto__', '%E0%A4%A'), fc.constantFrom('0', '1', '2', '-1', '1e1', '99999999999999999999', 'x', '%30'));
const json = fc.oneof(
  fc.json(),
  fc
    .record({
      records: fc.array(
        fc.record(
          {
            key: fc.jsonValue(),
            value: fc.jsonValue(),
            headers: fc.jsonValue(),
            timestamp: fc.jsonValue(),
            partition: fc.oneof(fc.nat(3), fc.jsonValue()),
            valueEncoding: fc.constantFrom('text', 'base64', 'hex', 1),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 3 },
      ),
    })
    .map((value) => JSON.stringify(value)),
  fc
    .record(
      { partitions: fc.oneof(fc.nat(3), fc.jsonValue()), config: fc.oneof(fc.dictionary(fc.constantFrom('retention.ms', 'compression.type', '__proto__'), fc.jsonValue()), fc.jsonValue()) },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
);
const body = fc.oneof(
  json.map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
const headers = fc.record(
  {
    'content-type': fc.constantFrom('application/json', 'application/json', 'application/vnd.wadi.record-batches', 'text/plain', 'application/x-ndjson', ';;', 'application/json; charset=x'),
    accept: fc.constantFrom('application/json', 'application/vnd.wadi.record-batches', '*/*', 'text/html', ',;q=', 'a;q=x'),
    'wadi-expected-offset': fc.constantFrom('0', '1', '-1', 'x', '1e1'),
    'x-request-id': fc.constantFrom('id', 'x y'),
  },
  { requiredKeys: [] },
);
// Deleting the topic would spare the other routes.
const route = fc.constantFrom(...builtRoutes.map(({ route: { method, path } }) => ({ method, path })).filter(({ method }) => method !== 'delete'));

function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

it('never answers 500', async () => {
  await fc.assert(
    fc.asyncProperty(route, place, query, body, headers, async ({ method, path }, [topic, partition], given, bytes, more) => {
      const target = path.replace('{topic}', topic).replace('{partition}', partition) + given;
      const reply = await send(method.toUpperCase(), target, { headers: more, ...(method === 'get' ? {} : { body: bytes }) });
      expect(reports).toEqual([]);
      expect([200, 201, 207, 400, 404, 405, 406, 409, 410, 412, 413, 415, 416, 501]).toContain(reply.status);
      const type = reply.headers.get('content-type');
      if (reply.status >= 400) expect(reply.json).toMatchObject({ status: reply.status, code: expect.toBeOneOf(Object.keys(errorTable)), detail: expect.stringMatching(/[.}]$/) });
      else if (type === 'application/json') expect(reply.json).toBeTypeOf('object');
      else if (path === '/v1/docs') expect(type).toBe('text/html; charset=utf-8');
      else expect(type).toBe(path === '/metrics' ? metricsType : type === ndjsonType ? ndjsonType : batchesType);
    }),
    { numRuns: 800 },
  );
});
