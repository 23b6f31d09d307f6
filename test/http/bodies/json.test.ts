// Records in JSON bodies: values are the bytes that came, everything else is of the documented form or refused with the
// record's index, and what is written can be read again as the same bytes.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RecordToWrite, readJsonRecords, writeJsonRecords } from '../../../src/http/bodies/json.ts';
import type { Header, RecordData } from '../../../src/record/batch-records.ts';
import { isJson } from '../../../src/record/json-grammar.ts';
import { limits } from '../../../src/record/limits.ts';
import { comparable, now, refusal, refusalCode, utf8 } from '../../record/support.ts';

const read = (body: string | Uint8Array, as: 'records' | 'value' | 'values' = 'records', key?: string) => readJsonRecords(typeof body === 'string' ? utf8(body) : body, as, { key, now }).records;
const readOne = (record: string) => read(`{"records":[${record}]}`)[0];
const text = (bytes: Uint8Array | null | undefined) => (bytes === null || bytes === undefined ? bytes : Buffer.from(bytes).toString());

describe('values', () => {
  test.each(['12345678901234567890', '1.10', '1E400', '-0', '"é😀"', '"\\u00e9\\/"', '{ "b" : 1 ,\n\t"a":[ ] }', '{"a":1,"a":2}', 'true', '""', '"null"', '"\\ud800"'])(
    '%s is stored as the bytes that came',
    (value) => {
      expect(text(readOne(`{"value": ${value} }`)?.value)).toBe(value);
      expect(text(read(`[ ${value} ]`, 'values')[0]?.value)).toBe(value);
      expect(text(read(value, 'value')[0]?.value)).toBe(value);
    },
  );

  test('null or none is a tombstone, in every encoding; an empty text is not', () => {
    for (const record of ['{}', '{"value":null}', '{"value": null ,"valueEncoding":"text"}', '{"valueEncoding":"base64"}']) expect(readOne(record)?.value).toBeNull();
    expect(read('[null]', 'values')[0]?.value).toBeNull();
    expect(readOne('{"value":"","valueEncoding":"text"}')?.value).toEqual(utf8(''));
    expect(readOne('{"value":"","valueEncoding":"base64"}')?.value).toHaveLength(0);
  });

  test('text stores what the string stands for, base64 the bytes', () => {
    expect(text(readOne('{"value":"a\\u00e9\\n\\ud83d\\ude00","valueEncoding":"text"}')?.value)).toBe('aé\n😀');
    expect(text(readOne('{"value":"null","valueEncoding":"text"}')?.value)).toBe('null');
    expect(readOne('{"value":"AP+AIA==","valueEncoding":"base64"}')?.value).toEqual(Buffer.from([0, 255, 128, 32]));
    expect(readOne('{"value":"\\u0041AAA","valueEncoding":"base64"}')?.value).toEqual(Buffer.from([0, 0, 0]));
  });

  test('one value of any bytes is taken as it is, also none and the four of null', () => {
    for (const body of [utf8(''), utf8('null'), utf8(' {} '), Uint8Array.of(0, 255)]) expect(read(body, 'value')[0]?.value).toEqual(body);
    expect(read(utf8('v'), 'value', 'clé')).toMatchObject([{ key: Buffer.from('clé'), headers: [], timestamp: now }]);
    expect(read(utf8('v'), 'value')[0]?.key).toBeNull();
  });
});

test('keys are text, or base64 where they say so, and null or none is no key', () => {
  expect(['{}', '{"key":null}', '{"key":null,"keyEncoding":"base64"}'].map((record) => readOne(record)?.key)).toEqual([null, null, null]);
  expect(['{"key":"k"}', '{"key":"k\\u00e9"}', '{"key":"é","keyEncoding":"text"}', '{"key":"aw==","keyEncoding":"base64"}', '{"key":""}'].map((record) => text(readOne(record)?.key))).toEqual([
    'k',
    'ké',
    'é',
    'k',
    '',
  ]);
});

test('headers are pairs, may repeat, and hold text, bytes or null', () => {
  const record = readOne('{"headers":[["a","b"],["a",null],["","é"],[{"base64":"/w=="},{"base64":"AAE="}]]}');
  expect(comparable(record === undefined ? [] : [record])).toMatchObject([
    {
      headers: [
        ['a', 'b'],
        ['a', null],
        ['', 'Ã©'],
        ['\xff', '\x00\x01'],
      ],
    },
  ]);
});

test('timestamps are the request’s where there is none, and lie in [0, a day from now]', () => {
  expect(readOne('{}')?.timestamp).toBe(now);
  const latest = now + limits.maxFutureTimestampMs;
  expect(['0', '-0', '1e3', String(latest)].map((timestamp) => (readOne(`{"timestamp":${timestamp}}`)?.timestamp ?? -1) + 0)).toEqual([0, 0, 1000, latest]);
  for (const timestamp of ['-1', '0.5', String(latest + 1), '1e400', 'null', '"1"', '[]']) {
    expect(refusal(() => read(`{"records":[{},{"timestamp":${timestamp}}]}`))).toMatchObject({ code: 'invalid_timestamp', facts: { record: 1 } });
  }
});

test.each(
  [
    '{"key":1}',
    '{"key":{}}',
    '{"key":true}',
    '{"key":"\\ud800"}',
    '{"key":"a","keyEncoding":"hex"}',
    '{"keyEncoding":"hex"}',
    '{"keyEncoding":null}',
    '{"key":"a","keyEncoding":"base64"}',
    '{"key":"aw","keyEncoding":"base64"}',
    '{"key":"a-_=","keyEncoding":"base64"}',
    '{"key":" aw==","keyEncoding":"base64"}',
    '{"key":"ax==","keyEncoding":"base64"}',
    '{"value":1,"valueEncoding":"text"}',
    '{"value":1,"valueEncoding":"json"}',
    '{"valueEncoding":"hex"}',
    '{"value":{"a":1},"valueEncoding":"base64"}',
    '{"value":"\\udc00","valueEncoding":"text"}',
    '{"partition":-1}',
    '{"partition":0.5}',
    '{"partition":"0"}',
    '{"partition":null}',
    '{"headers":null}',
    '{"headers":{}}',
    '{"headers":["a"]}',
    '{"headers":[["a"]]}',
    '{"headers":[["a","b","c"]]}',
    '{"headers":[[null,"b"]]}',
    '{"headers":[[1,"b"]]}',
    '{"headers":[["a",1]]}',
    '{"headers":[["a","\\ud800"]]}',
    '{"headers":[["a",{"base64":"?"}]]}',
    '{"headers":[["a",{"base64":1}]]}',
    '{"headers":[["a",{"base64":"","x":1}]]}',
    '{"headers":[["a",{}]]}',
    '{"headers":[["a",["b"]]]}',
    `{"headers":[${Array(101).fill('["a","b"]').join(',')}]}`,
    `{"headers":[["${'n'.repeat(32 * 1024 + 1)}",null]]}`,
  ].map((record) => [record.slice(0, 80), record]),
)('%s is invalid_record with its index, and nothing else is thrown', (_, record) => {
  expect(refusal(() => read(`{"records":[{},{},${record}]}`))).toMatchObject({ code: 'invalid_record', facts: { record: 2 } });
});

test('I13: the headers of a request are counted, as each takes more memory than bytes', () => {
  const headers = `{"headers":[${Array(100).fill('["",""]').join(',')}]}`;
  const body = (records: number) => `{"records":[${Array(records).fill(headers).join(',')}]}`;
  const most = limits.maxHeadersPerBatch / 100;
  expect(read(body(most))).toHaveLength(most);
  expect(refusal(() => read(body(most + 1)))).toMatchObject({ code: 'invalid_record', facts: { record: most } });
});

test('a producer is handed on, whatever it is', () => {
  expect(readJsonRecords(utf8('{"records":[]}'), 'records', { now })).not.toHaveProperty('producer');
  expect(readJsonRecords(utf8('{"records":[],"producer":null}'), 'records', { now })).toMatchObject({ producer: null });
});

test('no JSON, and JSON of another form, are told apart', () => {
  expect([refusalCode(() => read('{')), refusalCode(() => read('[]')), refusalCode(() => read('{}', 'values')), refusalCode(() => read('1', 'values'))]).toEqual([
    'invalid_json',
    'invalid_request',
    'invalid_request',
    'invalid_request',
  ]);
});

const toWrite = (parts: Partial<RecordToWrite>): RecordToWrite => ({ partition: 0, offset: 0, timestamp: now, key: null, value: null, headers: [], ...parts });
const write = (parts: Partial<RecordToWrite>, encoding?: 'base64') => Buffer.from(writeJsonRecords([toWrite(parts)], { encoding })).toString();

describe('what is fetched', () => {
  test('JSON comes as it is stored, digit for digit', () => {
    for (const value of ['12345678901234567890', '1.10', '{ "a" :\n1 }', '"\\u00e9"', '{"a":1,"a":2}', 'false', '"null"', ' 1', '{"a":1}\n'])
      expect(write({ value: utf8(value) })).toContain(`"value":${value},"headers"`);
  });

  test.each([
    ['null', '"null","valueEncoding":"text"'],
    [' null', '" null","valueEncoding":"text"'],
    ['', '"","valueEncoding":"text"'],
    ['plain', '"plain","valueEncoding":"text"'],
    ['nullx', '"nullx","valueEncoding":"text"'],
    ['\ufeff1', '"\ufeff1","valueEncoding":"text"'],
    ['"\0"', '"\\"\\u0000\\"","valueEncoding":"text"'],
    ['[1] [2]', '"[1] [2]","valueEncoding":"text"'],
  ])('other UTF-8 comes as text: %j', (value, written) => expect(write({ value: utf8(value) })).toContain(`"value":${written},"headers"`));

  test('other bytes come as base64, a tombstone as null, keys as text first', () => {
    expect(write({ value: Uint8Array.of(255, 0) })).toContain('"value":"/wA=","valueEncoding":"base64"');
    expect(write({ value: Uint8Array.of(0x22, 0xff, 0x22) })).toContain('"value":"Iv8i","valueEncoding":"base64"');
    expect(write({})).toBe('"records":[{"partition":0,"offset":0,"timestamp":1750000000000,"key":null,"value":null,"headers":[]}]');
    expect(write({ key: utf8('1') })).toContain('"key":"1","value"');
    expect(write({ key: Uint8Array.of(255) })).toContain('"key":"/w==","keyEncoding":"base64"');
    expect(
      write({
        headers: [
          [Uint8Array.of(255), null],
          [utf8('é"'), utf8('')],
        ],
      }),
    ).toContain('"headers":[[{"base64":"/w=="},null],["é\\"",""]]');
    expect(writeJsonRecords([])).toEqual(Buffer.from('"records":[]'));
  });

  test('encoding=base64 gives bytes always', () => {
    expect(write({ key: utf8('k'), value: utf8('{}') }, 'base64')).toContain('"key":"aw==","keyEncoding":"base64","value":"e30=","valueEncoding":"base64"');
    expect(write({}, 'base64')).toContain('"key":null,"value":null');
  });
});

const jsonBytes = fc.tuple(fc.json({ maxDepth: 3 }), fc.constantFrom('', ' ', '\n', '\t'), fc.constantFrom('', ' ', '\r\n')).map(([json, before, behind]) => utf8(before + json + behind));
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 20 }).map(utf8),
  jsonBytes,
  fc.constantFrom('null', ' null ', '', '"', '\ufeff', '1e999', '[[]]').map(utf8),
);
const optional = fc.option(anyBytes);
const anyHeader: fc.Arbitrary<Header> = fc.tuple(anyBytes, optional);
const anyRecord: fc.Arbitrary<RecordData> = fc.record({
  timestamp: fc.integer({ min: 0, max: now }),
  key: fc.option(anyBytes),
  value: fc.option(anyBytes),
  headers: fc.array(anyHeader, { maxLength: 3 }),
});

/** Comes as text, as it stands. */
const isNullText = (value: Uint8Array | null): boolean => value !== null && Buffer.from(value).toString().trim() === 'null';

/** A body that holds a JSON value does not hold the white space around it. */
const bare = (record: RecordData): RecordData =>
  record.value === null || !isJson(record.value)
    ? record
    : {
        ...record,
        value: utf8(
          Buffer.from(record.value)
            .toString()
            .replace(/^[ \n\r\t]+|[ \n\r\t]+$/g, ''),
        ),
      };

test('I2: what is fetched can be produced again, and is the same bytes but for white space around JSON', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 5 }), fc.constantFrom(undefined, 'base64' as const), (records, encoding) => {
      const written = Buffer.from(
        writeJsonRecords(
          records.map((record, offset) => ({ ...record, offset, partition: offset % 3 })),
          { encoding },
        ),
      ).toString();
      // JSON.parse must take the page, and the offset is left out as a client would, without touching the values.
      expect(JSON.parse(`{${written}}`).records).toHaveLength(records.length);
      const again = read(`{${written.replaceAll(/(\{"partition":\d+,)"offset":\d+,/g, '$1')}}`);
      const kept = encoding === undefined ? records.map((record) => (isNullText(record.value) ? record : bare(record))) : records;
      expect(comparable(again)).toEqual(comparable(kept));
      expect(again.map(({ partition }) => partition)).toEqual(records.map((_, i) => i % 3));
    }),
    { numRuns: 1000 },
  );
});

test('a page grows as it must, whatever was guessed', () => {
  const value = utf8('\u0001'.repeat(100_000));
  expect(JSON.parse(`{${write({ value })}}`).records[0].value).toHaveLength(100_000);
});
