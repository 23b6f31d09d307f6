// What a JSON body may cost: a member that is never of use is refused before anything is made of it.

import { expect, test } from 'vitest';
import { readJsonRecords } from '../../../src/http/bodies/json.ts';
import { limits } from '../../../src/record/limits.ts';

const fill = (before: string, after: string) => Buffer.from(`${before}${'[],'.repeat((limits.maxBodyBytes - before.length - after.length) / 3 - 1)}[]${after}`);

const outcome = (body: Buffer): unknown => {
  try {
    return readJsonRecords(body, 'records', { now: 1_750_000_000_000 });
  } catch (error) {
    return error;
  }
};

test.each([
  ['headers', '{"records":[{"headers":[', ']}]}', 'invalid_record'],
  ['a header', '{"records":[{"headers":[[', ']]}]}', 'invalid_record'],
  ['timestamp', '{"records":[{"timestamp":[', ']}]}', 'invalid_timestamp'],
  ['partition', '{"records":[{"partition":[', ']}]}', 'invalid_record'],
  ['valueEncoding', '{"records":[{"valueEncoding":[', ']}]}', 'invalid_record'],
  ['producer', '{"records":[],"producer":[', ']}', 'invalid_request'],
])('I13: millions of arrays as %s are refused without being made', (_, before, after, code) => {
  const body = fill(before, after);
  const { heapUsed } = process.memoryUsage();
  expect(outcome(body)).toMatchObject({ code });
  // Made, they would take 115 MiB and more.
  expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(32 * 2 ** 20);
});
