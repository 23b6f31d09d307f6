// The scanner finds the spans of values and refuses the rest by name and place; what it takes and refuses is otherwise
// what JSON.parse does (a longer comparison is `npm run test:codec`).

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WadiError } from '../../src/record/errors.ts';
import { isJson } from '../../src/record/json-grammar.ts';
import { type ScannedRecord, scanRecordLine, scanRecords, scanValueLine, scanValues } from '../../src/record/json-scanner.ts';
import { limits } from '../../src/record/limits.ts';
import { seededRandom } from '../support/random.ts';
import { refusal, refusalCode, utf8 } from './support.ts';

const scanValue = (body: Uint8Array) => scanValueLine(body, 0, body.length);
/** ASCII as it is, \xNN as that byte. */
const raw = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** The text of each member's span. */
function scanned(body: string): Record<string, string>[] {
  const bytes = utf8(body);
  const texts = (record: ScannedRecord) => Object.fromEntries(Object.entries(record).map(([name, { start, end }]) => [name, new TextDecoder().decode(bytes.subarray(start, end))]));
  return scanRecords(bytes).records.map(texts);
}

describe('spans', () => {
  test('are the bytes that came, without the white space around them', () => {
    const body =
      ' { "records" : [ { "key" : "k" , "value" :\t{ "a" : [ 1.10 , 12345678901234567890 ] }\r\n} , {} , {"value":"\\u00e9 \\"","timestamp":1e3,"partition":0,"headers":[["a","b"]],"keyEncoding":"text","valueEncoding":"text"} ] } ';
    expect(scanned(body)).toEqual([
      { key: '"k"', value: '{ "a" : [ 1.10 , 12345678901234567890 ] }' },
      {},
      { value: '"\\u00e9 \\""', timestamp: '1e3', partition: '0', headers: '[["a","b"]]', keyEncoding: '"text"', valueEncoding: '"text"' },
    ]);
  });

  test('an empty list, and a producer before or behind it', () => {
    expect(scanned('{"records":[]}')).toEqual([]);
    expect(scanRecords(utf8('{"producer":{"id":1},"records":[]}')).producer).toEqual({ start: 12, end: 20 });
    expect(scanRecords(utf8('{"records":[],"producer": null}')).producer).toEqual({ start: 26, end: 30 });
  });

  test.each([
    ['{"id":1,"epoch":0,"sequence":12}', { id: 1, epoch: 0, sequence: 12 }],
    [' { "id" : 9007199254740991 ,\t"epoch":32767,"sequence"\n: 2147483647 } ', { id: 9007199254740991, epoch: 32767, sequence: 2147483647 }],
  ])('a producer as most clients write it: %s', (text, producer) => {
    expect(scanRecords(utf8(`{"producer":${text},"records":[]}`)).producer).toEqual(producer);
  });

  test.each([
    '{"epoch":0,"id":1,"sequence":2}',
    '{"id":1,"epoch":0,"sequence":2,"more":1}',
    '{"id":1,"epoch":0,"sequence":-2}',
    '{"id":1,"epoch":0,"sequence":2e1}',
    '{"id":12345678901234567,"epoch":0,"sequence":2}',
    '{"id":"1","epoch":0,"sequence":2}',
  ])('a producer of another form is left to whoever reads it: %s', (text) => {
    expect(scanRecords(utf8(`{"producer":${text},"records":[]}`)).producer).toEqual({ start: 12, end: 12 + text.length });
  });

  test.each(['{"id":01,"epoch":0,"sequence":2}', '{"id":,"epoch":0,"sequence":2}', '{"id" 1,"epoch":0,"sequence":2}', '{"id":1,"epoch":0,"sequence":2', '{"id":1 "epoch":0,"sequence":2}'])(
    'a producer that is no JSON: %s',
    (text) => {
      expect(refusalCode(() => scanRecords(utf8(`{"producer":${text},"records":[]}`)))).toBe('invalid_json');
    },
  );

  test('of values and of a value', () => {
    expect(scanValues(utf8(' [1 , "a",{} ,[ ] ,null] '))).toEqual([2, 6, 10, 14, 19].map((start, i) => ({ start, end: start + ([1, 3, 2, 3, 4][i] ?? 0) })));
    expect(scanValues(utf8('[]'))).toEqual([]);
    expect(scanValue(utf8(' \t"a" \n'))).toEqual({ start: 2, end: 5 });
  });
});

describe('member names', () => {
  test('may be escaped, and are still known', () => expect(scanned('{"\\u0072ecords":[{"\\u006b\\u0065y":"k","valu\\u0065":1}]}')).toEqual([{ key: '"k"', value: '1' }]));

  test.each([
    ['{"records":[],"other":1}', 'invalid_request', 'no member "other"'],
    ['{"records":[],"\\u00e9\\n":1}', 'invalid_request', '"é\\n"'],
    ['{"records":[],"records":[]}', 'invalid_request', '"records" twice'],
    ['{"records":[],"record\\u0073":[]}', 'invalid_request', '"records" twice'],
    ['{"producer":1,"producer":1,"records":[]}', 'invalid_request', '"producer" twice'],
    ['{}', 'invalid_request', 'no "records"'],
    ['{"__proto__":[]}', 'invalid_request', '"__proto__"'],
    ['{"records":[{},{"offset":1}]}', 'invalid_record', 'records[1] has no member "offset"'],
    ['{"records":[{"":1}]}', 'invalid_record', 'no member ""'],
    ['{"records":[{"__proto__":1}]}', 'invalid_record', '"__proto__"'],
    ['{"records":[{"constructor":1}]}', 'invalid_record', '"constructor"'],
    ['{"records":[{"value":1,"value":1}]}', 'invalid_record', 'records[0] has "value" twice'],
    ['{"records":[{"value":1,"\\u0076alue":1}]}', 'invalid_record', '"value" twice'],
    [`{"records":[{"${'n'.repeat(5000)}":1}]}`, 'invalid_record', `${'n'.repeat(40)}…`],
  ])('%s is refused by name', (body, code, detail) => {
    const error = refusal(() => scanRecords(utf8(body)));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(detail)]);
    expect(error.message.length).toBeLessThan(200);
  });

  test('the index of a refused record is among the facts', () => expect(refusal(() => scanRecords(utf8('{"records":[{},{},{"a":1}]}'))).facts).toEqual({ record: 2 }));
});

test.each([
  ['[]', 'an object'],
  ['"records"', 'an object'],
  ['null', 'an object'],
  ['{"records":{}}', '"records" is an array'],
  ['{"records":null}', '"records" is an array'],
])('%s is JSON, but no body: invalid_request', (body, detail) => expect(refusal(() => scanRecords(utf8(body)))).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(detail) }));

test.each(['{"records":[1]}', '{"records":[null]}', '{"records":[[]]}'])('%s: a record is an object', (body) => expect(refusalCode(() => scanRecords(utf8(body)))).toBe('invalid_record'));
test('a body of values that is none is said to be so', () => expect(refusalCode(() => scanValues(utf8('{"a":1}')))).toBe('invalid_request'));

describe('what is no JSON is refused with its place', () => {
  test.each([
    ['', 0],
    ['   ', 3],
    ['{"records":[', 12],
    ['{"records":[]', 13],
    ['{"records":[]}x', 14],
    ['{"records":[]} {}', 15],
    ['{"records":[],}', 14],
    ['{"records":[{}, ]}', 16],
    ['{"records":[{} {}]}', 15],
    ['{"records":[{"value":}]}', 21],
    ['{"records":[{"value":tru}]}', 21],
    ['{"records":[{"value":nulL}]}', 21],
    ['{"records":[{"value":01}]}', 22],
    ['{"records":[{"value":1.}]}', 22],
    ['{"records":[{"value":-}]}', 21],
    ['{"records":[{"value":+1}]}', 21],
    ['{"records":[{"value":NaN}]}', 21],
    ['{"records":[{"value":"\t"}]}', 22],
    ['{"records":[{"value":"\\x"}]}', 22],
    ['{"records":[{"value":"\\u12g4"}]}', 22],
    ['{"records":[{"value" 1}]}', 21],
    ['{records:[]}', 1],
    ["{'records':[]}", 1],
    ['{"records":[/**/]}', 12],
    ['\uFEFF{"records":[]}', 0],
  ])('%j at byte %d', (body, position) => {
    expect(() => JSON.parse(body)).toThrow(SyntaxError);
    expect(refusal(() => scanRecords(utf8(body)))).toMatchObject({ code: 'invalid_json', facts: { position } });
  });

  test('a body that only ends too early is told from one that goes wrong', () => {
    expect(refusal(() => scanRecords(utf8('{"records":[{"value":"ab'))).message).toBe('The JSON ends too early.');
    expect(refusal(() => scanRecords(utf8('{"records":[{"value":"a\n'))).message).toBe('The JSON goes wrong at byte 23.');
  });
});

describe('I13: depth', () => {
  test('a value is nested up to the limit', () => {
    const deep = nested(limits.maxJsonDepth);
    expect(scanned(`{"records":[{"value":${deep}}]}`)).toEqual([{ value: deep }]);
    expect(isJson(utf8(deep))).toBe(true);
  });

  test('and not beyond, whoever asks and however deep', () => {
    for (const depth of [limits.maxJsonDepth + 1, 100_000, 1_000_000]) {
      for (const deep of [nested(depth), '['.repeat(depth), '{"a":'.repeat(depth)]) {
        expect(refusalCode(() => scanRecords(utf8(`{"records":[{"value":${deep}}]}`)))).toBe('json_too_deep');
        expect(refusalCode(() => scanValues(utf8(`[${deep}]`)))).toBe('json_too_deep');
        expect(refusalCode(() => scanValue(utf8(deep)))).toBe('json_too_deep');
        expect(isJson(utf8(deep))).toBe(false);
      }
    }
  });

  test('one scan leaves nothing behind for the next', () => {
    expect(refusalCode(() => scanValue(utf8(nested(200))))).toBe('json_too_deep');
    expect(refusalCode(() => scanValue(utf8('nope')))).toBe('invalid_json');
    expect(refusalCode(() => scanValue(raw('"\xff"')))).toBe('invalid_utf8');
    expect(scanValue(utf8('"a"'))).toEqual({ start: 0, end: 3 });
  });
});

describe('UTF-8', () => {
  // A stray byte, a cut sequence, an overlong form, a surrogate in UTF-8, a code point beyond the last.
  const broken = ['\xff', '\x80', '\xc3', '\xe2\x82', '\xc0\xaf', '\xed\xa0\x80', '\xf4\x90\x80\x80'];
  test.each(broken)('invalid bytes %j in a value, a name or a key are invalid_utf8', (bytes) => {
    expect(refusalCode(() => scanValue(raw(`"${bytes}"`)))).toBe('invalid_utf8');
    expect(refusalCode(() => scanValue(raw(`{"${bytes}":1}`)))).toBe('invalid_utf8');
    expect(refusalCode(() => scanValues(raw(`[1,"some text before ${bytes}"]`)))).toBe('invalid_utf8');
    expect(refusalCode(() => scanRecords(raw(`{"records":[{"key":"${bytes}","value":{"a\\n":"${bytes}"}}]}`)))).toBe('invalid_utf8');
    expect(refusalCode(() => scanRecords(raw(`{"records":[],"producer":"${bytes}"}`)))).toBe('invalid_utf8');
    expect(isJson(raw(`"${bytes}"`))).toBe(false);
  });

  test('outside of strings they are no JSON at all', () => expect(broken.map((bytes) => refusalCode(() => scanValue(raw(`[${bytes}]`))))).toEqual(broken.map(() => 'invalid_json')));

  test.each(['"é"', '"€"', '"😀"', '"\u2028\u2029"', '"\ufeff"', '"\u007f"', '{"é":"\ufffd"}', '"\\ud800"', '"\\udc00\\ud800"'])('%s is taken as JSON.parse takes it', (text) => {
    JSON.parse(text);
    expect(scanValue(utf8(text))).toEqual({ start: 0, end: utf8(text).length });
    expect(isJson(utf8(text))).toBe(true);
  });
});

test('I13: as many records as a request may carry, and not one more', () => {
  const list = (count: number, element: string) => `[${Array(count).fill(element).join(',')}]`;
  const most = limits.maxRecordsPerRequest;
  expect(scanRecords(utf8(`{"records":${list(most, '{}')}}`)).records).toHaveLength(most);
  expect(scanValues(utf8(list(most, '1')))).toHaveLength(most);
  expect(refusal(() => scanRecords(utf8(`{"records":${list(most + 1, '{}')}}`)))).toMatchObject({ code: 'too_many_records', facts: { limit: most } });
  expect(refusalCode(() => scanValues(utf8(list(most + 1, '1'))))).toBe('too_many_records');
});

test('any JSON, however it is spaced, is found as it stands', () => {
  const spaced = fc.tuple(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 1, 2)).map(([text, indent]) => JSON.stringify(JSON.parse(text), null, indent));
  fc.assert(
    fc.property(fc.array(spaced, { maxLength: 5 }), (values) => {
      expect(scanned(`{"records":[${values.map((value) => `{"value": ${value} }`).join(' , ')}]}`)).toEqual(values.map((value) => ({ value })));
    }),
  );
});

test('any bytes are JSON for us where they are for JSON.parse', () => {
  const nearly = fc.array(fc.constantFrom(...'{}[]",:\\u0019-+.eE truefalsn\n\t/'.split(''), '"a"', 'é', '\\u00e9', '1e5', 'null'), { maxLength: 12 }).map((parts) => parts.join(''));
  const parses = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(nearly, (text) => {
      expect(isJson(utf8(text))).toBe(parses(text));
    }),
    { numRuns: 5000 },
  );
});

describe('a line among others', () => {
  const lines = ['1', '{"a":1}', '{"a":', '[1,', '"open', '"x\\', '{"a":1', '1 2', '', '  ', 'nul', '12', '-', '1.', '1e', '[', '"\\u12', '{"a" ', '{"a":1}}', '"é"', '[[1]', 'true,', '{,'];
  const verdict = (scan: () => unknown): string => {
    try {
      return JSON.stringify(scan());
    } catch (error) {
      return `${(error as WadiError).code} at ${(error as WadiError).facts['position']}`;
    }
  };

  test.each(lines)('%s is judged as if it stood alone, whatever stands behind it', (line) => {
    const alone = verdict(() => scanValueLine(utf8(line), 0, utf8(line).length));
    for (const behind of ['\n', '\n1}', '\n:1}', '\n"', '\n]', '\n"]}', '\nl', '\n345', '\r\n}']) {
      const body = utf8(`${line}${behind}`);
      expect(verdict(() => scanValueLine(body, 0, utf8(line).length))).toBe(alone);
      const record = utf8(`{"value":[${line}${behind}`);
      const taken = verdict(() => scanRecordLine(record, 0, record.length - utf8(behind).length));
      expect(taken.startsWith('invalid')).toBe(true);
    }
  });

  test('positions are those of the line', () => {
    const body = utf8('[1]\n[1,x]\n');
    expect(scanValueLine(body, 0, 3)).toEqual({ start: 0, end: 3 });
    expect(verdict(() => scanValueLine(body, 4, 9))).toBe('invalid_json at 3');
  });
});

test('a record line is judged by itself, whatever stands behind it', () => {
  const verdict = (text: string, end: number) => {
    try {
      return scanRecordLine(Buffer.from(text), 0, end);
    } catch (error) {
      return error instanceof WadiError ? `${error.code} ${error.message}` : error;
    }
  };
  const lines = [
    ['{"value":1,', '"foo":2}'],
    ['{"value":1,', '"value":2}'],
    ['{"foo"', ':1}'],
    ['{"value":1', ',"x":1}'],
    ['[1,', '2]'],
    ['{"value":', '1}'],
    ['  ', '{"x":1}'],
  ] as const;
  for (const [line, behind] of lines) {
    expect(verdict(`${line}\n${behind}`, line.length), line).toBe(verdict(line, line.length));
    expect(verdict(line, line.length), line).toContain('invalid_json');
  }
});

test('agrees with JSON.parse around long strings at every alignment, whatever bytes stand around them', () => {
  const random = seededRandom(1);
  const below = (n: number) => random.between(0, n - 1);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const parses = (bytes: Uint8Array) => {
    try {
      JSON.parse(decoder.decode(bytes));
      return true;
    } catch {
      return false;
    }
  };
  const around = [0x22, 0x5c, 0x61, 0, 0x1f, 0x80, 0xff];
  const within = [0x22, 0x5c, 0x1f, 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff, 0, 0xc3, 0x01, 0x5e];
  const slab = new Uint8Array(64);
  for (let round = 0; round < 100_000; round++) {
    const [offset, length] = [below(9), 1 + below(48)];
    for (let i = 0; i < slab.length; i++) slab[i] = around[below(around.length)] as number;
    const bytes = slab.subarray(offset, offset + length);
    for (let i = 0; i < length; i++) bytes[i] = 0x61 + below(20);
    bytes[0] = 0x22;
    if (below(8) > 0) bytes[length - 1] = 0x22;
    for (let k = below(3); k > 0; k--) bytes[below(length)] = within[below(within.length)] as number;
    if (isJson(bytes) !== parses(bytes)) expect.fail(`round ${round}, offset ${offset}: ${Buffer.from(bytes).toString('latin1')}`);
  }
});
