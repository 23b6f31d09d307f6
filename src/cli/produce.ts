// wadi produce: lines of files or of what is piped in, appended as they come.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { LineBatch, Produced } from '../client/client.ts';
import { ConnectionFailed, Problem } from '../client/problem.ts';
import { type Command, exit, type Terminal, tellProblem, Usage } from './command.ts';
import { connect, connectionOptions } from './connection.ts';
import { BadInput, type Format, formats, recordLines } from './inputs.ts';
import { startMeter } from './meter.ts';

export const produceCommand: Command = {
  name: 'produce',
  summary: 'append records from files or from what is piped in',
  positionals: 'TOPIC [FILE …]',
  count: [1, Number.POSITIVE_INFINITY],
  options: {
    format: {
      value: 'FORMAT',
      choices: formats,
      help: 'lines (each line is a value, as it stands; the default), json (each line is a JSON value), csv (each row becomes a JSON object), records (each line is a record: {"key","value","headers","timestamp"})',
    },
    'key-field': { value: 'NAME', help: 'the member of a JSON value, or the column, that is the key' },
    partition: { value: 'N', help: 'all records go there; else where their key leads' },
    ...connectionOptions,
  },
  notes: `Records are committed as they come, in order: when something fails, what stands is a beginning of the input. The
message says how many records stand and how many may or may not; the exit code is 4 where any may not.`,
  examples: [
    "printf '%s\\n' one two three | wadi produce greetings",
    'printf \'%s\\n\' \'{"user":"alice","amount":1.10}\' | wadi produce payments --format json --key-field user',
    "printf 'city,temperature\\nOslo,-4\\nRome,12\\n' | wadi produce weather --format csv --key-field city",
  ],
  async run(given, terminal) {
    const [topic, ...files] = given.positionals as [string, ...string[]];
    const format = (given.text('format') as Format | undefined) ?? 'lines';
    const keyField = given.text('key-field');
    if (keyField !== undefined && format !== 'json' && format !== 'csv') throw new Usage('--key-field is for --format json and csv: other lines have no fields.');
    const partition = given.integer('partition');
    const client = await connect(given, terminal);
    const totalBytes = await sizeOf(files);
    const meter = startMeter(terminal, 'records');
    const startMs = performance.now();
    let readBytes = 0;
    let bad: string | undefined;

    async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        if (terminal.interrupted.aborted) return;
        readBytes += chunk.length;
        yield chunk;
      }
    }
    /** Bad input, and what cannot be read, ends the stream in order: what came before it is to stand. */
    async function* batches(): AsyncGenerator<LineBatch> {
      for (const file of files.length === 0 ? [undefined] : files) {
        try {
          yield* recordLines(counted(file === undefined ? terminal.stdin : createReadStream(file)), { format, keyField });
        } catch (error) {
          if (!(error instanceof BadInput) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
          bad = `${file === undefined ? '' : `${file}: `}${(error as Error).message}`;
          return;
        }
      }
    }

    const produced = await client.produce(topic, batches(), { partition, onAcknowledged: (count) => meter.update(count, totalBytes === undefined ? undefined : readBytes / totalBytes) });
    meter.end(produced.acknowledged);
    if (produced.error !== undefined) return failed(terminal, produced, produced.error);
    if (bad !== undefined) {
      terminal.say(`The input cannot be sent: ${bad}. ${counts(produced)}`);
      return exit.usage;
    }
    if (terminal.interrupted.aborted) {
      terminal.say(`Interrupted. ${counts(produced)}`);
      return exit.interrupted;
    }
    if (terminal.isTerminal) terminal.say(`${counts(produced)} It took ${((performance.now() - startMs) / 1000).toFixed(1)} s.`);
    return exit.ok;
  },
};

function failed(terminal: Terminal, produced: Produced, error: Error): number {
  if (error instanceof Problem) terminal.say(`${tellProblem(error)} ${counts(produced)}`);
  else if (error instanceof ConnectionFailed)
    terminal.say(`Lost the server (${error.message}). ${counts(produced)}${produced.acknowledged + produced.unknown === 0 ? ' Is it running? Start it with: wadi serve' : ''}`);
  else throw error;
  if (produced.unknown > 0) return exit.unknown;
  return error instanceof Problem ? exit.refused : exit.noServer;
}

function counts({ acknowledged, unknown }: Produced): string {
  const stand = `${acknowledged.toLocaleString('en')} record${acknowledged === 1 ? '' : 's'} acknowledged`;
  return unknown === 0 ? `${stand}, none unknown.` : `${stand}; ${unknown.toLocaleString('en')} unknown: they may or may not stand, in order behind the others.`;
}

/** @throws Usage for a file that is not there */
async function sizeOf(files: readonly string[]): Promise<number | undefined> {
  if (files.length === 0) return undefined;
  const sizes = await Promise.all(
    files.map(async (file) => {
      const found = await stat(file).catch((error: Error) => {
        throw new Usage(`Cannot read ${file}: ${error.message}`);
      });
      if (!found.isFile()) return undefined;
      return found.size;
    }),
  );
  return sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
}
