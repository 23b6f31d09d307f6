// What `wadi produce` reads, as the records that the API takes: converted chunk by chunk, so that what has come goes on at
// once, and no more is kept than a chunk and the line that it ends in.

import { CsvError, parse as csvParser } from 'csv-parse';
import type { OutgoingRecord } from '../client/producer.ts';

export const formats = ['lines', 'json', 'csv', 'records'] as const;
export type Format = (typeof formats)[number];

/** A record of the input, and what to call it: `line 7`. */
export type InputRecord = OutgoingRecord & { readonly name: string };

/** A line of the input that cannot be sent. */
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

/** Records, as many at a time as have come. @throws BadInput */
export function readRecords(input: AsyncIterable<Uint8Array>, options: InputOptions): AsyncGenerator<InputRecord[]> {
  return options.format === 'csv' ? csvRecords(input, options.keyField) : lineRecords(input, options);
}

async function* lineRecords(input: AsyncIterable<Uint8Array>, options: InputOptions): AsyncGenerator<InputRecord[]> {
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

  function* converted(text: Uint8Array): Generator<InputRecord[]> {
    const records: InputRecord[] = [];
    let bad: BadInput | undefined;
    for (const line of linesIn(text)) {
      number++;
      try {
        const record = recordOf(line, number, options);
        if (record !== undefined) records.push(record);
      } catch (error) {
        if (!(error instanceof BadInput)) throw error;
        bad = error;
        break;
      }
    }
    if (records.length > 0) yield records;
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
function recordOf(bytes: Uint8Array, number: number, { format, keyField }: InputOptions): InputRecord | undefined {
  const name = `line ${number}`;
  const keyless = { key: undefined, partition: undefined, name };
  let line: string;
  try {
    line = utf8.decode(bytes);
  } catch {
    if (format !== 'lines') throw new BadInput(`${name} is not UTF-8`);
    return { ...keyless, json: `{"value":"${Buffer.from(bytes).toString('base64')}","valueEncoding":"base64"}` };
  }
  if (format === 'lines') return { ...keyless, json: `{"value":${JSON.stringify(line)},"valueEncoding":"text"}` };
  if (number === 1 && line.startsWith(byteOrderMark)) line = line.slice(1);
  if (line.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BadInput(`${name} is not JSON: ${(error as Error).message}`);
  }
  if (format === 'records') return { name, json: line, ...placeOf(value) };
  const key = keyField === undefined ? undefined : keyOf(value, keyField, line);
  // The value goes as it stands, digit for digit.
  return { ...keyless, ...keyed(key), json: key === undefined ? `{"value":${line}}` : `{"key":${JSON.stringify(key)},"value":${line}}` };
}

const keyed = (key: string | undefined) => ({ key: key === undefined ? undefined : Buffer.from(key) });

/** What of a record says where it goes. Whatever is wrong with it is the server's to say. */
function placeOf(record: unknown): Pick<InputRecord, 'key' | 'partition'> {
  const { key, keyEncoding, partition } = (typeof record === 'object' && record !== null ? record : {}) as Record<string, unknown>;
  return {
    key: typeof key === 'string' ? Buffer.from(key, keyEncoding === 'base64' ? 'base64' : 'utf8') : undefined,
    partition: Number.isSafeInteger(partition) && (partition as number) >= 0 ? (partition as number) : undefined,
  };
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
async function* csvRecords(input: AsyncIterable<Uint8Array>, keyField: string | undefined): AsyncGenerator<InputRecord[]> {
  const rows: Row[] = [];
  let before = 0;
  const taken = (): InputRecord[] => {
    const records = recordsOf(rows.splice(0), before, keyField);
    before += records.length;
    return records;
  };
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
      if (rows.length > 0) yield taken();
    }
    await new Promise<void>((resolve, reject) => {
      parser.once('end', resolve).once('error', reject);
      parser.end();
    });
  } catch (error) {
    if (rows.length > 0) yield taken();
    throw error instanceof CsvError ? new BadInput(error.message) : error;
  }
  if (rows.length > 0) yield taken();
}

function recordsOf(rows: readonly Row[], before: number, keyField: string | undefined): InputRecord[] {
  return rows.map((row, i) => {
    const record = { name: `row ${before + i + 1}`, key: undefined, partition: undefined };
    if (keyField === undefined) return { ...record, json: `{"value":${JSON.stringify(row)}}` };
    if (!(keyField in row)) throw new BadInput(`there is no column ${JSON.stringify(keyField)}; columns: ${Object.keys(row).join(', ')}`);
    return { ...record, ...keyed(row[keyField]), json: `{"key":${JSON.stringify(row[keyField])},"value":${JSON.stringify(row)}}` };
  });
}
