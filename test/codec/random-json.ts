// Random JSON texts and bodies, with everything that the grammar allows, and damage that makes many of them wrong.

import type { SeededRandom } from '../support/random.ts';

const spaces = ['', '', '', '', '', ' ', '\n', '\t', '\r', ' \r\n\t '];
const numbers = ['0', '-0', '1', '-1', '12345678901234567890', '1.10', '0.1e-7', '1E+400', '-1e5', '3.141592653589793238462643', '9007199254740993', '1e0'];
const strings = [
  '',
  'a',
  'key',
  'plain ascii text of some length that has to be stepped over',
  '\\n\\t\\"\\\\\\/\\b\\f\\r',
  '\\u0041',
  '\\ud83d\\ude00',
  '\\ud800',
  '\\udc00x',
  'größe',
  '漢字',
  '😀',
  '\u2028',
  '\u007f',
  '\\u0000',
  'ÿ',
  'null',
];
/** Things that look like JSON and are none, to be put in anywhere. */
const wrong = [
  '01',
  '-',
  '1.',
  '.5',
  '1e',
  '+1',
  '0x1',
  'NaN',
  'Infinity',
  'tru',
  'nul',
  'True',
  "'a'",
  '"\\x41"',
  '"\\u12G4"',
  '"a\tb"',
  '"\n"',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '/**/',
  '\u00a0',
  '\ufeff',
  '\v',
  'undefined',
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  '1 2',
  '\\',
  '\u0000',
];

function space(random: SeededRandom): string {
  return random.pick(spaces);
}

function string(random: SeededRandom): string {
  return `"${Array.from({ length: random.pick([0, 1, 1, 1, 3]) }, () => random.pick(strings)).join('')}"`;
}

/** Any JSON value as text. */
export function jsonValue(random: SeededRandom, depth = 0): string {
  const kind = random.between(0, depth > 4 ? 5 : 8);
  if (kind <= 1) return random.pick(numbers);
  if (kind <= 3) return string(random);
  if (kind <= 5) return random.pick(['true', 'false', 'null']);
  const length = random.pick([0, 1, 2, 3, 6]);
  const s = () => space(random);
  if (kind <= 7) return `[${s()}${Array.from({ length }, () => `${jsonValue(random, depth + 1)}${s()}`).join(`,${s()}`)}]`;
  return `{${s()}${Array.from({ length }, () => `${string(random)}${s()}:${s()}${jsonValue(random, depth + 1)}${s()}`).join(`,${s()}`)}}`;
}

/** Nested about as deep as the limit allows, or beyond. */
export function deepJson(random: SeededRandom, depth: number): string {
  const opens = Array.from({ length: depth }, () => random.pick(['[', '{"a":']));
  return `${opens.join('')}1${opens
    .map((open) => (open === '[' ? ']' : '}'))
    .reverse()
    .join('')}`;
}

const members = ['key', 'value', 'headers', 'timestamp', 'partition', 'keyEncoding', 'valueEncoding'];

function recordText(random: SeededRandom): string {
  if (random.chance(0.02)) return jsonValue(random);
  const s = () => space(random);
  // Mostly without repeats; now and then a name is unknown, repeated or escaped.
  const chosen = members.filter(() => random.chance(0.4));
  if (random.chance(0.04)) chosen.push(random.pick([...members, 'offset', '', '__proto__', 'k\\u0065y', 'ke\\u0079']));
  return `{${s()}${chosen.map((name) => `"${name}"${s()}:${s()}${jsonValue(random, 2)}${s()}`).join(`,${s()}`)}}`;
}

/** A produce body: mostly of the documented form. */
export function recordsBody(random: SeededRandom): string {
  const s = () => space(random);
  const records = `[${s()}${Array.from({ length: random.between(0, 5) }, () => `${recordText(random)}${s()}`).join(`,${s()}`)}]`;
  const parts = [`"records"${s()}:${s()}${random.chance(0.02) ? jsonValue(random) : records}`];
  if (random.chance(0.2)) parts.splice(random.between(0, 1), 0, `"producer":${jsonValue(random, 3)}`);
  if (random.chance(0.02)) parts.push(`"${random.pick(['producer', 'records', 'other', 'r\\u0065cords'])}":${jsonValue(random, 3)}`);
  return `${s()}{${s()}${parts.join(`${s()},${s()}`)}${s()}}${s()}`;
}

/** The text with something put in, taken out or replaced, at times in the middle of a character. */
export function damage(text: string, random: SeededRandom): Buffer {
  const bytes = Buffer.from(text);
  const at = random.between(0, bytes.length);
  const put = (piece: Buffer, cut: number) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + cut)]);
  switch (random.between(0, 6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return put(Buffer.alloc(0), random.between(1, 3));
    case 2:
      return put(Buffer.from(random.pick(wrong)), random.between(0, 2));
    case 3:
      return put(Buffer.from(jsonValue(random, 3)), random.between(0, 2));
    case 4:
      // UTF-8: lone continuations, overlong forms, surrogates, cut sequences, beyond U+10FFFF
      return put(Buffer.from(random.pick(['80', 'c080', 'e0809f', 'eda080', 'f8888080', 'c3', 'e282', 'f0908d', 'f4908080', 'ff', 'fe', 'efbbbf', 'c2a0']), 'hex'), random.between(0, 1));
    case 5:
      return put(Buffer.from([random.between(0, 255)]), 1);
    default:
      return put(bytes.subarray(at, at + random.between(1, 10)), 0);
  }
}
