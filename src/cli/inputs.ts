// What `wadi produce` reads, as the lines that the API takes: converted chunk by chunk, so that what has come goes on at
// once, and no more is kept than a chunk and the line that it ends in.

import { CsvError, parse as csvParser } from 'csv-parse';
import type { LineBatch } from '../client/client.ts';

export const formats = ['lines', 'json', 'csv', 'records'] as const;
export type Format = (typeof formats)[number];

/** A line of the input that cannot be sent; `line` counts from 1. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

export type InputOptions = {
  readonly format: Format;
  /** The member of a JSON value, or the column, whose value is the key. */
  readonly keyField: string | undefined;
};

/** What the server takes, too. */
const maxLineBytes = 8 * 1024 * 1024;

/** Lines of records, each `{"key"?, "value", …}`. @throws BadInput */
export function recordLines(input: AsyncIterable<Uint8Array>, options: InputOptions): AsyncGenerator<LineBatch> {
  return options.format === 'csv' ? csvLines(input, options.keyField) : textLines(input, options);
}

async function* textLines(input: AsyncIterable<Uint8Array>, options: InputOptions): AsyncGenerator<LineBatch> {
  let number = 0;
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of input) {
    const end = chunk.lastIndexOf(0x0a);
    if (end < 0) {
      if (rest.length + chunk.length > maxLineBytes) throw new BadInput(`line ${number + 1} has more than ${maxLineBytes} bytes`);
      rest = Buffer.concat([rest, chunk]);
      continue;
    }
    const whole = Buffer.concat([rest, chunk.subarray(0, end)]);
    rest = chunk.slice(end + 1);
    yield* converted(whole);
  }
  if (rest.length > 0) yield* converted(rest);

  function* converted(text: Uint8Array): Generator<LineBatch> {
    let out = '';
    let lines = 0;
    let bad: BadInput | undefined;
    for (const line of linesIn(text)) {
      number++;
      try {
        const record = recordOf(line, number, options);
        if (record === undefined) continue;
        out += `${record}\n`;
        lines++;
      } catch (error) {
        if (!(error instanceof BadInput)) throw error;
        bad = error;
        break;
      }
    }
    if (lines > 0) yield { bytes: Buffer.from(out), lines };
    if (bad !== undefined) throw bad;
  }
}

function* linesIn(text: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start <= text.length; ) {
    const found = text.indexOf(0x0a, start);
    const end = found < 0 ? text.length : found;
    yield text.subarray(start, end > start && text[end - 1] === 0x0d ? end - 1 : end);
    start = end + 1;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** U+FEFF, which some programs put before all text. It is no part of JSON. */
const byteOrderMark = '\ufeff';

/** undefined: a blank line. */
function recordOf(bytes: Uint8Array, number: number, { format, keyField }: InputOptions): string | undefined {
  let line: string;
  try {
    line = utf8.decode(bytes);
  } catch {
    if (format !== 'lines') throw new BadInput(`line ${number} is not UTF-8`);
    return `{"value":"${Buffer.from(bytes).toString('base64')}","valueEncoding":"base64"}`;
  }
  if (format === 'lines') return `{"value":${JSON.stringify(line)},"valueEncoding":"text"}`;
  if (number === 1 && line.startsWith(byteOrderMark)) line = line.slice(1);
  if (line.trim() === '') return undefined;
  if (format === 'records') return line;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BadInput(`line ${number} is not JSON: ${(error as Error).message}`);
  }
  const key = keyField === undefined ? undefined : keyOf(value, keyField, line);
  // The value goes as it stands, digit for digit.
  return key === undefined ? `{"value":${line}}` : `{"key":${JSON.stringify(key)},"value":${line}}`;
}

/** A member that is text, a number or a truth value; undefined: there is none, and so no key. */
function keyOf(value: unknown, field: string, json: string): string | undefined {
  const key = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
  // Two numbers that JavaScript rounds to one are not one key.
  if (typeof key === 'number' && !Number.isSafeInteger(key)) return digitsOf(json, field);
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean' ? String(key) : undefined;
}

/** The number that the outermost object has under this name, digit for digit. */
function digitsOf(json: string, field: string): string | undefined {
  const digits = new Map<unknown, string>();
  const outermost: unknown = JSON.parse(json, function (this: unknown, name: string, value: unknown, { source }: { source?: string } = {}) {
    if (name === field && source !== undefined) digits.set(this, source);
    return value;
  });
  return digits.get(outermost);
}

type Row = Readonly<Record<string, string>>;

/** Each row becomes an object of texts, by the names in the first row. */
async function* csvLines(input: AsyncIterable<Uint8Array>, keyField: string | undefined): AsyncGenerator<LineBatch> {
  const rows: Row[] = [];
  const parser = csvParser({
    columns: true,
    bom: true,
    skip_empty_lines: true,
    on_record(row: Row) {
      rows.push(row);
      return null;
    },
  });
  parser.resume();
  // Told to whoever writes.
  parser.on('error', () => {});
  try {
    for await (const chunk of input) {
      await new Promise<void>((resolve, reject) => parser.write(chunk, (error) => (error == null ? resolve() : reject(error))));
      if (rows.length > 0) yield batchOf(rows.splice(0), keyField);
    }
    await new Promise<void>((resolve, reject) => {
      parser.once('end', resolve).once('error', reject);
      parser.end();
    });
  } catch (error) {
    if (rows.length > 0) yield batchOf(rows.splice(0), keyField);
    throw error instanceof CsvError ? new BadInput(error.message) : error;
  }
  if (rows.length > 0) yield batchOf(rows.splice(0), keyField);
}

function batchOf(rows: readonly Row[], keyField: string | undefined): LineBatch {
  const lines = rows.map((row) => {
    if (keyField === undefined) return `{"value":${JSON.stringify(row)}}\n`;
    if (!(keyField in row)) throw new BadInput(`there is no column ${JSON.stringify(keyField)}; columns: ${Object.keys(row).join(', ')}`);
    return `{"key":${JSON.stringify(row[keyField])},"value":${JSON.stringify(row)}}\n`;
  });
  return { bytes: Buffer.from(lines.join('')), lines: lines.length };
}
