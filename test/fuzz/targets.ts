// The targets: record batches on their way in and out, compression, JSON bodies, cursors, the readers of the journal
// and its items, and the parsers of the command line.

import { crc32c } from '@node-rs/crc32';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { checkItem, decodeItem, decodePlace, encodeItem, encodePlace, joined } from '../../src/adapters/local/item-codec.ts';
import { decodeFileHeader, decodeGroup, encodeFileHeader, encodeGroup, findGroup } from '../../src/adapters/local/journal-format.ts';
import { type Command, readArguments, Usage } from '../../src/cli/command.ts';
import { BadInput, type Format, formats, readRecords } from '../../src/cli/inputs.ts';
import { eventsOf } from '../../src/client/events.ts';
import { readCommandLine } from '../../src/config.ts';
import { readJsonRecords } from '../../src/http/bodies/json.ts';
import { decodeCursor, encodeCursor } from '../../src/log/cursor.ts';
import { parseHead } from '../../src/log/head.ts';
import { parseRun } from '../../src/log/seal.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import { checkBatches } from '../../src/record/batch-check.ts';
import { storedBatches, verifyBatch, zeroOffset } from '../../src/record/batch-header.ts';
import { decodeBatch } from '../../src/record/batch-records.ts';
import { WadiError } from '../../src/record/errors.ts';
import { createInputs } from '../codec/batch-inputs.ts';
import { recordsBody } from '../codec/random-json.ts';
import { now } from '../codec/random-records.ts';
import { jsonAgrees } from './json.ts';
import { refusal, type Target } from './target.ts';

const byCode = (error: Error): string | undefined => (error instanceof WadiError && error.code !== 'internal' ? error.code : undefined);
const key = { pk: 'P#AAAAAAAAAAAAAAAAAAAAAA#0', sk: 'H' };
const item = { fv: 1, g: 3, wb: 10, cb: 20, nx: 30, pi: [new Uint8Array(16)], pr: [new Uint8Array(22)], ci: [], cr: [], pm: {}, gm: 1, tl: new Uint8Array(16), cn: 7, text: 'text', map: { a: 1 } };

function repairBatch(input: Buffer): void {
  if (input.length < 61) return;
  const told = 12 + input.readInt32BE(8);
  const end = told >= 61 && told <= input.length ? told : input.length;
  input.writeInt32BE(end - 12, 8);
  input.writeUInt32BE(nodeCodecs.crc32c(input.subarray(21, end)), 17);
}

const batchesIn: Target = {
  name: 'record batches, as producers send them',
  seeds(random) {
    const inputs = createInputs(random.between(1, 1_000_000));
    return Array.from({ length: 200 }, (_, i) => inputs.input(1 + i).bytes).filter(({ length }) => length < 5_000);
  },
  repair: repairBatch,
  run(input) {
    const before = Buffer.from(input);
    try {
      const checked = checkBatches(input, nodeCodecs, { maxMessageBytes: 2 ** 20, now });
      if (!before.equals(input)) throw new Error('checkBatches changed its input');
      // What passes the check can be stored and read.
      let count = 0;
      for (const batch of storedBatches(zeroOffset(Buffer.from(input)))) {
        verifyBatch(batch, nodeCodecs);
        count += decodeBatch(batch, nodeCodecs).length;
      }
      const expected = checked.reduce((sum, batch) => sum + batch.count, 0);
      if (count !== expected) throw new Error(`${expected} records were checked, ${count} read`);
      return 'valid';
    } catch (error) {
      return refusal(error, byCode);
    }
  },
};

const batchesOut: Target = {
  name: 'record batches, as they are stored',
  seeds: batchesIn.seeds,
  repair: repairBatch,
  run(input) {
    try {
      let records = 0;
      for (const batch of storedBatches(input)) {
        verifyBatch(batch, nodeCodecs);
        records += decodeBatch(batch, nodeCodecs).length;
      }
      return records > 0 ? 'records' : 'nothing';
    } catch (error) {
      return refusal(error, byCode);
    }
  },
};

const compressed: Target = {
  name: 'compressed bytes',
  seeds(random) {
    // The records of batches, each behind the number of its compression.
    const batches = batchesIn.seeds(random).filter((bytes) => bytes.length > 61 && ((bytes[22] ?? 0) & 7) > 0);
    return batches.map((bytes) => Buffer.concat([Buffer.from([((bytes[22] ?? 0) & 7) - 1]), bytes.subarray(61)]));
  },
  run(input) {
    const codec = (['gzip', 'snappy', 'lz4', 'zstd'] as const)[(input[0] ?? 0) % 4] as 'gzip';
    try {
      const bytes = nodeCodecs.decompress(codec, input.subarray(1), 100_000);
      if (bytes.length > 100_000) throw new Error(`${bytes.length} bytes came of it, 100,000 were allowed`);
      return 'bytes';
    } catch (error) {
      return refusal(error, byCode);
    }
  },
};

const jsonBodies: Target = {
  name: 'JSON bodies',
  seeds: (random) => Array.from({ length: 60 }, () => Buffer.from(recordsBody(random))),
  run: (input) => jsonAgrees(input, (body) => readJsonRecords(body, 'records', { now })),
};

const cursors: Target = {
  name: 'cursors',
  seeds: () => [1, 3, 200].map((count) => Buffer.from(encodeCursor({ topicId: 'AAAAAAAAAAAAAAAAAAAAAA', offsets: Array.from({ length: count }, (_, i) => i * 1_000_003), first: count - 1 }))),
  run(input) {
    const text = input.toString('latin1');
    try {
      const cursor = decodeCursor(text);
      const again = decodeCursor(encodeCursor(cursor));
      if (JSON.stringify(again) !== JSON.stringify(cursor)) throw new Error('a cursor does not lead back to itself');
      return 'cursor';
    } catch (error) {
      return refusal(error, byCode);
    }
  },
};

const corrupt = (error: Error): string | undefined => (error instanceof StoreFailure && (error.reason === 'corrupt' || error.reason === 'newer') ? error.reason : byCode(error));

const storedItems: Target = {
  name: 'stored items, heads and runs',
  seeds: () => [Buffer.from(joined(encodeItem(key, item))), Buffer.from(encodePlace(key, { file: 3, position: 77, bytes: 5_000 }))],
  repair(input) {
    if (input.length >= 5) input.writeUInt32LE(crc32c(input.subarray(4), crc32c(`${key.pk}\0${key.sk}\0`)), 0);
  },
  run(input) {
    try {
      if (decodePlace(key, input) !== undefined) return 'place';
      checkItem(key, input);
      const found = decodeItem(key, input);
      parseHead(found);
      parseRun('I#00000000000000', found);
      return 'item';
    } catch (error) {
      return refusal(error, corrupt);
    }
  },
};

const journals: Target = {
  name: 'journal files',
  seeds() {
    const salt = new Uint8Array(16).fill(7);
    const group = (sequence: number) =>
      Buffer.concat(
        encodeGroup(sequence, salt, [
          { key, encoded: encodeItem(key, item) },
          { key: { ...key, sk: 'F' }, encoded: undefined },
        ]).parts,
      );
    return [Buffer.concat([encodeFileHeader(1, salt), group(1), group(2)])];
  },
  /** Of the file and of the first group. */
  repair(input) {
    if (input.length < 64) return;
    input.writeUInt32LE(crc32c(input.subarray(0, 32)), 32);
    const contentsEnd = Math.min(input.length, 64 + input.readUInt32LE(44));
    input.writeUInt32LE(crc32c(input.subarray(64, contentsEnd), crc32c(input.subarray(36, 60), crc32c(input.subarray(16, 32)))), 60);
  },
  run(input) {
    try {
      const salt = decodeFileHeader(input, 1, 'file');
      if (salt === undefined) return 'no header';
      let at = encodeFileHeader(1, salt).length;
      let groups = 0;
      for (let group = decodeGroup(input, at, salt); group !== undefined; group = decodeGroup(input, at, salt)) {
        if (group.end <= at || group.end > input.length) throw new Error(`a group from ${at} ends at ${group.end} of ${input.length}`);
        for (const { key: name, start, end } of group.entries) if (start !== undefined) checkItem(name, input.subarray(start, end));
        // The items fill the group to its end.
        const ends = group.entries.at(-1)?.end;
        if (ends !== undefined && ends !== group.end) throw new Error(`the items of a group end at ${ends}, the group at ${group.end}`);
        at = group.end;
        groups++;
      }
      const later = findGroup(input, at + 1, salt);
      if (later !== undefined && decodeGroup(input, later, salt) === undefined) throw new Error('a group was found that cannot be read');
      return `${Math.min(groups, 2)} groups`;
    } catch (error) {
      return refusal(error, corrupt);
    }
  },
};

const command: Command = {
  name: 'test',
  summary: '',
  positionals: 'TOPIC [FILE …]',
  count: [1, 3],
  options: {
    key: { value: 'KEY', help: '' },
    format: { value: 'FORMAT', help: '', choices: formats },
    config: { value: 'NAME=VALUE', help: '', multiple: true },
    follow: { help: '' },
    limit: { value: 'N', help: '' },
  },
  examples: [],
  run: () => Promise.resolve(0),
};

const commandLines: Target = {
  name: 'command lines',
  seeds: () =>
    ['topic --format csv --limit 5', '--follow topic file -- -x', '--data /tmp/x --port 80 --host ::1 --token-file t', '--config a=b --config c=d t', '--help'].map((text) => Buffer.from(text)),
  run(input) {
    const words = input.toString().split(' ');
    const line = readCommandLine(words);
    const told = 'run' in line ? 'run' : 'help' in line ? 'help' : line.wrong.length > 0 ? 'wrong' : 'nothing';
    if (told === 'nothing') throw new Error('a wrong command line is not explained');
    try {
      const given = readArguments(command, words);
      given.text('format');
      given.integer('limit', 1);
      given.texts('config');
      return `${told}, arguments`;
    } catch (error) {
      return refusal(error, (one) => (one instanceof Usage && one.message.length > 0 ? `${told}, usage` : undefined));
    }
  },
};

const producedFiles: Target = {
  name: 'files for wadi produce',
  seeds: () =>
    ['plain line\nanother\r\n', '{"id":1,"v":"x"}\n{"id":2}\n', 'id,v\n1,x\n2,"y\n,z"\n', '{"key":"a","value":1}\n'].flatMap((text, format) =>
      [0, 4].map((more) => Buffer.concat([Buffer.from([format + more, 3]), Buffer.from(text)])),
    ),
  async run(input) {
    const format = formats[(input[0] ?? 0) % 4] as Format;
    const keyField = ((input[0] ?? 0) >> 2) % 2 === 1 ? 'id' : undefined;
    const step = 1 + (input[1] ?? 0);
    const body = input.subarray(2);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < body.length; at += step) yield body.subarray(at, at + step);
    }
    try {
      let lines = 0;
      for await (const records of readRecords(chunks(), { format, keyField })) {
        // Of records the server judges what is in them.
        for (const { json } of records) if (typeof JSON.parse(json) !== 'object' && format !== 'records') throw new Error('a line is no record');
        lines += records.length;
      }
      return lines > 0 ? `${format}: records` : `${format}: nothing`;
    } catch (error) {
      return refusal(error, (one) => (one instanceof BadInput && one.message.length > 0 ? `${format}: refused` : undefined));
    }
  },
};

const eventStreams: Target = {
  name: 'server-sent events, as the client reads them',
  seeds: () => [Buffer.from('id: 1\nevent: records\ndata: {"a":1}\ndata: 2\n\n: beat\n\ndata:x\r\n\r\n'), Buffer.from('\ufeffdata: 1\r\rid\n\n')],
  async run(input) {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < input.length; at += 5) yield input.subarray(at, at + 5);
    }
    const [cut, whole]: [string[], string[]] = [[], []];
    for await (const event of eventsOf(chunks())) cut.push(JSON.stringify(event));
    async function* one(): AsyncGenerator<Uint8Array> {
      yield input;
    }
    for await (const event of eventsOf(one())) whole.push(JSON.stringify(event));
    if (cut.join() !== whole.join()) throw new Error('how a stream is cut into chunks changes its events');
    return cut.length > 0 ? 'events' : 'nothing';
  },
};

export const fuzzTargets: readonly Target[] = [batchesIn, batchesOut, compressed, jsonBodies, cursors, storedItems, journals, commandLines, producedFiles, eventStreams];
