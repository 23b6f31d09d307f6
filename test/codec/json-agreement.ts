// Part c: the scanner takes what JSON.parse takes, and finds the same values. What it refuses on purpose is told
// from what it refuses by the grammar, checked by a judge of its own, and counted.

import { WadiError } from '../../src/record/errors.ts';
import { isJson } from '../../src/record/json-grammar.ts';
import { type ScannedRecord, scanRecords, scanValues } from '../../src/record/json-scanner.ts';
import { limits } from '../../src/record/limits.ts';
import type { SeededRandom } from '../support/random.ts';
import { damage, deepJson, jsonValue, recordsBody } from './random-json.ts';

export type JsonResult = { readonly counts: Readonly<Record<string, number>>; readonly problems: readonly string[] };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Judged = { readonly ok: true; readonly text: string; readonly value: unknown } | { readonly ok: false };

function judge(body: Buffer): Judged {
  try {
    const text = decoder.decode(body);
    return { ok: true, text, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** How deep a valid text is nested, and whether objects at these depths have a name twice. */
function inspect(text: string, depths: readonly number[]): { depth: number; twice: boolean } {
  const names: Set<string>[] = [];
  const result = { depth: 0, twice: false };
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g) ?? [];
  for (const [i, token] of tokens.entries()) {
    if (token === '{' || token === '[') result.depth = Math.max(result.depth, names.push(new Set()));
    else if (token === '}' || token === ']') names.pop();
    else if (token.startsWith('"') && tokens[i + 1] === ':') {
      const name = JSON.parse(token) as string;
      const known = names.at(-1);
      if (known?.has(name) && depths.includes(names.length)) result.twice = true;
      known?.add(name);
    }
  }
  return result;
}

const recordNames = new Set(['key', 'value', 'headers', 'timestamp', 'partition', 'keyEncoding', 'valueEncoding']);

/** Whether a parsed body has the members that are documented; their types are not the scanner's to judge. */
function hasForm(value: unknown): boolean {
  if (!isObject(value) || !Object.keys(value).every((name) => name === 'records' || name === 'producer')) return false;
  const records: unknown = Reflect.get(value, 'records');
  return Array.isArray(records) && records.every((record) => isObject(record) && Object.keys(record).every((name) => recordNames.has(name)));
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

type Scan = 'isJson' | 'values' | 'records';
type Answer = { readonly code: string } | { readonly spans: unknown };

const parsed = (body: Buffer, { start, end }: { start: number; end: number }): unknown => JSON.parse(decoder.decode(body.subarray(start, end)));

function scanned(scan: Scan, body: Buffer): Answer {
  if (scan === 'isJson') return isJson(body) ? { spans: undefined } : { code: 'invalid_json' };
  try {
    if (scan === 'values') return { spans: scanValues(body).map((span) => parsed(body, span)) };
    const { records, producer } = scanRecords(body);
    const values = records.map((record: ScannedRecord) => Object.fromEntries(Object.entries(record).map(([name, span]) => [name, parsed(body, span)])));
    return { spans: producer === undefined ? { records: values } : { records: values, producer: 'id' in producer ? producer : parsed(body, producer) } };
  } catch (error) {
    if (error instanceof WadiError && error.code !== 'internal') return { code: error.code };
    // No name, or a span that JSON.parse does not take.
    return { code: `unnamed: ${error}` };
  }
}

/** The name under which a refusal or an acceptance counts; undefined where it is wrong. */
function outcome(scan: Scan, judged: Judged, answer: Answer): string | undefined {
  if (!('code' in answer)) {
    if (!judged.ok) return undefined;
    const expected = scan === 'isJson' ? undefined : judged.value;
    const found = scan === 'records' ? ordered(answer.spans) : JSON.stringify(answer.spans);
    return found === (scan === 'records' ? ordered(expected) : JSON.stringify(expected)) ? 'taken' : undefined;
  }
  if (answer.code.startsWith('unnamed')) return undefined;
  if (!judged.ok) return 'refused';
  const { depth, twice } = inspect(judged.text, scan === 'records' ? [1, 3] : []);
  // Depth is counted from each value on: a record's value stands three deep in its body.
  if (depth > limits.maxJsonDepth && (scan === 'isJson' || answer.code === 'json_too_deep')) return 'excluded: too deep';
  if (scan === 'values' && answer.code === 'invalid_request' && !Array.isArray(judged.value)) return 'refused: not an array';
  if (scan === 'records' && (answer.code === 'invalid_request' || answer.code === 'invalid_record')) {
    if (!hasForm(judged.value)) return 'refused: not of the form';
    if (twice) return 'excluded: a name twice';
  }
  return undefined;
}

// Members in the order of their names, as that of the scanner is its own.
const ordered = (value: unknown): string => JSON.stringify(value, (_, part: unknown) => (isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part));

export function runJson(random: SeededRandom, count: number, progress: (done: number) => void): JsonResult {
  const counts: Record<string, number> = {};
  const problems: string[] = [];
  for (let i = 0; i < count && problems.length < 10; i++) {
    const scan: Scan = i % 4 === 0 ? 'values' : i % 4 === 1 ? 'isJson' : 'records';
    const deep = random.chance(0.01) ? deepJson(random, limits.maxJsonDepth + random.between(-2, 3)) : undefined;
    const value = () => deep ?? jsonValue(random);
    const text = scan === 'isJson' ? value() : scan === 'values' ? `[${value()},${jsonValue(random)}]` : deep === undefined ? recordsBody(random) : `{"records":[{"value":${deep}}]}`;
    const body = random.chance(0.5) ? Buffer.from(text) : damage(text, random);
    const judged = judge(body);
    const answer = scanned(scan, body);
    const result = outcome(scan, judged, answer);
    if (result === undefined) problems.push(`${scan}: ${JSON.stringify(answer)} where JSON.parse ${judged.ok ? 'takes it' : 'does not'}: ${JSON.stringify(body.toString('latin1')).slice(0, 400)}`);
    else counts[result] = (counts[result] ?? 0) + 1;
    if (i % 1000 === 0) progress(i);
  }
  progress(count);
  return { counts, problems };
}
