// wadi produce: lines of files or of what is piped in, appended as they come by an idempotent producer: over lost answers
// and restarts of the server each record stands once; with --resume also where the command itself is killed.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Client } from '../client/client.ts';
import { ConnectionFailed, Problem } from '../client/problem.ts';
import { createProducer, type ProducerState, type Sent } from '../client/producer.ts';
import { partitionForKey } from '../record/murmur2.ts';
import { type Command, exit, type Terminal, tellProblem, Usage } from './command.ts';
import { connect, connectionOptions } from './connection.ts';
import { gatherRecords } from './gather.ts';
import { BadInput, type Format, formats, type InputRecord, readRecords } from './inputs.ts';
import { startMeter } from './meter.ts';
import { hashOf, openResumeFile, type Progress, type ResumeFile } from './resume.ts';

const defaultGiveUpS = 300;

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
    resume: { value: 'FILE', help: 'keep in FILE how far it is: the same command with the same input goes on there, also after kill -9' },
    'give-up': { value: 'SECONDS', help: `how long to send again while the server takes nothing (${defaultGiveUpS})` },
    ...connectionOptions,
  },
  notes: `Records are sent as they come, by an idempotent producer: what has no answer is sent again until it has one, and each
record stands once, in order within its partition, also where the server is killed and started again meanwhile. When it
is given up, the message says how many records stand and how many may or may not; the exit code is 4 where any may not.
With --resume nothing is lost or doubled by running it again; a file that has grown meanwhile is sent from where it ended.`,
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
    const giveUpMs = 1000 * (given.integer('give-up') ?? defaultGiveUpS);
    const client = await connect(given, terminal);
    const totalBytes = await sizeOf(files);
    const resumePath = given.text('resume');
    const resume = resumePath === undefined ? undefined : await openResumeFile(resumePath);
    const startMs = performance.now();
    const input = readInput(files, { format, keyField }, terminal);
    const meter = startMeter(terminal, 'records');
    try {
      const onSent = (count: number) => meter.update(count, totalBytes === undefined ? undefined : input.readBytes() / totalBytes);
      const produced = await produce({ client, topic, partition, giveUpMs, resume, terminal, onSent }, input.records());
      meter.end(produced.acknowledged);
      if (produced.error !== undefined) return failed(terminal, produced, produced.error);
      const bad = input.bad();
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
    } finally {
      await resume?.release();
    }
  },
};

/** The records of all files, or of what is piped in. Bad input, and what cannot be read, ends it in order: what came before it is to stand. */
function readInput(files: readonly string[], options: { readonly format: Format; readonly keyField: string | undefined }, terminal: Terminal) {
  let readBytes = 0;
  let bad: string | undefined;
  async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      if (terminal.interrupted.aborted) return;
      readBytes += chunk.length;
      yield chunk;
    }
  }
  async function* records(): AsyncGenerator<InputRecord[]> {
    for (const file of files.length === 0 ? [undefined] : files) {
      try {
        yield* readRecords(counted(file === undefined ? terminal.stdin : createReadStream(file)), options);
      } catch (error) {
        if (!(error instanceof BadInput) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
        bad = `${file === undefined ? '' : `${file}: `}${(error as Error).message}`;
        return;
      }
    }
  }
  return { records, readBytes: () => readBytes, bad: () => bad };
}

type Produced = {
  /** Records that stand by this run. */
  readonly acknowledged: number;
  /** That stand by earlier runs. */
  readonly before: number;
  /** That may or may not stand. */
  readonly unknown: number;
  /** Why not all stand; undefined: all do. */
  readonly error?: Error;
};

type Order = {
  readonly client: Client;
  readonly topic: string;
  readonly partition: number | undefined;
  readonly giveUpMs: number;
  readonly resume: ResumeFile | undefined;
  readonly terminal: Terminal;
  readonly onSent: (count: number) => void;
};

async function produce({ client, topic, partition, giveUpMs, resume, terminal, onSent }: Order, source: AsyncIterable<InputRecord[]>): Promise<Produced> {
  let acknowledged = 0;
  let before = 0;
  try {
    const from = await begin(client, topic, partition, resume?.found);
    before = from.sent;
    const input = gatherRecords(source);
    await skip(input, from);
    const onWaiting = (error: Error): void => {
      if (terminal.isTerminal) terminal.say(`\nNo answer yet (${error.message}); sending again for up to ${giveUpMs / 1000} s.`);
    };
    const producer = createProducer({ client, topic, partition, state: from.producer, partitionForKey, giveUpMs, onWaiting, signal: terminal.interrupted });
    for (let pending = from.pending; ; pending = undefined) {
      const records = await input.next(pending?.records);
      if (pending !== undefined && (records === undefined || hashOf(records) !== pending.hash)) throw otherInput();
      const progress = { topic, topicId: from.topicId, partition, producer: producer.state(), sent: before + acknowledged };
      await resume?.save({ ...progress, pending: records && { records: records.length, hash: hashOf(records) } });
      if (records === undefined) return { acknowledged, before, unknown: 0 };
      const sent = await producer.send(records);
      acknowledged += sent.acknowledged;
      if (sent.failure !== undefined) return { acknowledged, before, unknown: sent.unknown, error: failureOf(sent.failure, records) };
      onSent(acknowledged);
    }
  } catch (error) {
    if (error instanceof Problem || error instanceof ConnectionFailed) return { acknowledged, before, unknown: 0, error };
    throw error;
  }
}

/** @throws Usage where the file is of another topic or partition */
async function begin(client: Client, topic: string, partition: number | undefined, found: Progress | undefined): Promise<Progress> {
  const { topicId, partitions } = await client.topics.describe(topic);
  if (found === undefined) {
    const { id, epoch } = await client.takeProducer();
    const producer: ProducerState = { id, epoch, next: partitions.map(() => 0), batches: 0 };
    return { topic, topicId, partition, producer, sent: 0, pending: undefined };
  }
  if (found.partition !== partition)
    throw new Usage(`--resume: the file was begun ${found.partition === undefined ? 'without --partition' : `with --partition ${found.partition}`}. Give the same, or another file.`);
  if (found.topicId !== topicId) throw new Usage(`--resume: the file is of topic "${found.topic}"${found.topic === topic ? ', which was deleted and made again' : ''}. Give another file.`);
  return found;
}

/** What stands by earlier runs. */
async function skip(input: ReturnType<typeof gatherRecords<InputRecord>>, { sent }: Progress): Promise<void> {
  for (let left = sent; left > 0; ) {
    const skipped = await input.next(Math.min(left, 1_000));
    if (skipped === undefined) throw otherInput();
    left -= skipped.length;
  }
}

const otherInput = (): Usage => new Usage('--resume: the input is another one than before: give the same, or another file to --resume.');

/** With the name that the record has in the input. */
function failureOf({ error, record }: NonNullable<Sent['failure']>, records: readonly InputRecord[]): Error {
  const name = record === undefined ? undefined : records[record]?.name;
  if (name === undefined || !(error instanceof Problem)) return error;
  const detail = `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${error.message.replace(/records\[\d+\]/g, 'the record')}`;
  return new Problem({ ...error.facts, detail });
}

function failed(terminal: Terminal, produced: Produced, error: Error): number {
  if (error instanceof Problem) terminal.say(`${tellProblem(error)} ${counts(produced)}`);
  else terminal.say(`Lost the server (${error.message}). ${counts(produced)}${produced.acknowledged + produced.unknown === 0 ? ' Is it running? Start it with: wadi serve' : ''}`);
  if (produced.unknown > 0) return exit.unknown;
  return error instanceof Problem ? exit.refused : exit.noServer;
}

function counts({ acknowledged, before, unknown }: Produced): string {
  const stand = `${acknowledged.toLocaleString('en')} record${acknowledged === 1 ? '' : 's'} acknowledged${before === 0 ? '' : `, besides ${before.toLocaleString('en')} before`}`;
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
