// wadi consume: records to the end that the log has, or as they come.

import type { RecordRead } from '../client/client.ts';
import { type Arguments, type Command, exit, Usage } from './command.ts';
import { connect, connectionOptions } from './connection.ts';

const outputs = ['value', 'json'] as const;

export const consumeCommand: Command = {
  name: 'consume',
  summary: 'print records, to the end or as they come',
  positionals: 'TOPIC',
  count: [1, 1],
  options: {
    from: { value: 'PLACE', help: 'earliest (the default), latest (the default with --follow), or end-N: N records before the end' },
    offset: { value: 'N', help: 'begin at this offset; with --partition' },
    timestamp: { value: 'TIME', help: 'begin at the first record at or after this time: milliseconds since 1970, or such as 2026-01-31T12:00:00Z' },
    partition: { value: 'N', help: 'this one only; else all of them' },
    follow: { help: 'stay, and print what comes' },
    limit: { value: 'N', help: 'end after so many records' },
    format: {
      value: 'FORMAT',
      choices: outputs,
      help: 'value (a line for each value, as it was sent; the default), or json (a line for each record, with partition, offset, timestamp, key and headers)',
    },
    'with-key': { help: 'the key and a tab before each value' },
    ...connectionOptions,
  },
  notes: 'A value that is null, a tombstone, is an empty line.',
  examples: ['wadi consume greetings', 'wadi consume payments --format json --limit 10', 'wadi consume greetings --from end-2 --with-key'],
  async run(given, terminal) {
    const topic = given.positionals[0] as string;
    const asJson = given.text('format') === 'json';
    const withKey = given.flag('with-key');
    if (asJson && withKey) throw new Usage('--with-key is for values: JSON has the key.');
    const follow = given.flag('follow');
    const limit = given.integer('limit', 1);
    const partition = given.integer('partition');
    const client = await connect(given, terminal);
    const query = { ...placeOf(given, follow), ...(asJson ? {} : { encoding: 'base64' }), ...(limit === undefined || follow ? {} : { limit }) };
    const options = { partition, query, signal: terminal.interrupted };
    let left = limit ?? Number.POSITIVE_INFINITY;
    let out: (string | Uint8Array)[] = [];
    let bytes = 0;
    try {
      for await (const record of follow ? client.follow(topic, options) : client.read(topic, options)) {
        const line = asJson ? [`${JSON.stringify(record)}\n`] : valueLine(record, withKey);
        out.push(...line);
        for (const piece of line) bytes += piece.length;
        left--;
        if (follow || bytes > gatherBytes) {
          await terminal.print(joined(out));
          [out, bytes] = [[], 0];
        }
        if (left === 0) break;
      }
    } catch (error) {
      if (!terminal.interrupted.aborted) throw error;
    } finally {
      if (out.length > 0) await terminal.print(joined(out));
    }
    return terminal.interrupted.aborted && !follow ? exit.interrupted : exit.ok;
  },
};

const gatherBytes = 64 * 1024;

function placeOf(given: Arguments, follow: boolean): Record<string, string | number> {
  const [from, offset, time] = [given.text('from'), given.integer('offset'), given.text('timestamp')];
  if ([from, offset, time].filter((place) => place !== undefined).length > 1) throw new Usage('Give one place to begin at: --from, --offset or --timestamp.');
  if (offset !== undefined) {
    if (given.integer('partition') === undefined) throw new Usage('--offset is of one partition: add --partition N.');
    return { offset };
  }
  if (time !== undefined) {
    const timestamp = /^\d{1,15}$/.test(time) ? Number(time) : Date.parse(time);
    if (!Number.isFinite(timestamp) || timestamp < 0) throw new Usage(`--timestamp is a time such as 2026-01-31T12:00:00Z, not ${JSON.stringify(time)}.`);
    return { timestamp };
  }
  if (from !== undefined && !/^(earliest|latest|end-\d{1,15})$/.test(from)) throw new Usage(`--from is earliest, latest or end-N, not ${JSON.stringify(from)}.`);
  return { from: from ?? (follow ? 'latest' : 'earliest') };
}

/** The record was asked for in base64, so these are the bytes that were sent. */
function valueLine({ key, value }: RecordRead, withKey: boolean): (string | Uint8Array)[] {
  const bytes = (text: unknown): Uint8Array | string => (typeof text === 'string' ? Buffer.from(text, 'base64') : '');
  return withKey ? [bytes(key), '\t', bytes(value), '\n'] : [bytes(value), '\n'];
}

const joined = (pieces: readonly (string | Uint8Array)[]): Uint8Array => Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
