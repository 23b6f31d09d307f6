// wadi topics: create, list, describe, alter, delete.

import type { Topic, TopicDescription, TopicSettings } from '../client/client.ts';
import { type Arguments, type Command, exit, type Option, Usage } from './command.ts';
import { connect, connectionOptions } from './connection.ts';

const json: Option = { help: 'print what the server answered, as JSON' };
const settings: Readonly<Record<string, Option>> = {
  partitions: { value: 'N', help: 'how many partitions' },
  set: { value: 'NAME=VALUE', multiple: true, help: 'a setting, such as retention.ms=86400000; may be given several times' },
};

/** Numbers are sent as numbers, all else as text. */
function settingsOf(given: Arguments): TopicSettings {
  const partitions = given.integer('partitions', 1);
  const pairs = given.texts('set').map((pair): [string, unknown] => {
    const at = pair.indexOf('=');
    if (at < 1) throw new Usage(`--set takes NAME=VALUE, not ${JSON.stringify(pair)}.`);
    const value = pair.slice(at + 1);
    return [pair.slice(0, at), /^-?\d{1,15}$/.test(value) ? Number(value) : value];
  });
  return { ...(partitions === undefined ? {} : { partitions }), ...(pairs.length === 0 ? {} : { config: Object.fromEntries(pairs) }) };
}

const lineOf = ({ name, partitions }: Topic): string => `${name}\t${partitions} partition${partitions === 1 ? '' : 's'}\n`;

export const topicCommands: readonly Command[] = [
  {
    name: 'topics create',
    summary: 'make a topic',
    positionals: 'TOPIC',
    count: [1, 1],
    options: { ...settings, json, ...connectionOptions },
    notes: 'A topic that stands with the same settings is left as it is.',
    examples: ['wadi topics create orders --partitions 3', 'wadi topics create events --set retention.ms=86400000 --set compression.type=zstd'],
    async run(given, terminal) {
      const topic = await (await connect(given, terminal)).topics.create(given.positionals[0] as string, settingsOf(given));
      await terminal.print(given.flag('json') ? `${JSON.stringify(topic)}\n` : lineOf(topic));
      return exit.ok;
    },
  },
  {
    name: 'topics list',
    summary: 'list topics by name',
    positionals: '',
    count: [0, 0],
    options: { json, ...connectionOptions },
    examples: ['wadi topics list'],
    async run(given, terminal) {
      for await (const topic of (await connect(given, terminal)).topics.list()) await terminal.print(given.flag('json') ? `${JSON.stringify(topic)}\n` : lineOf(topic));
      return exit.ok;
    },
  },
  {
    name: 'topics describe',
    summary: 'tell what a topic holds',
    positionals: 'TOPIC',
    count: [1, 1],
    options: { json, ...connectionOptions },
    examples: ['wadi topics describe orders'],
    async run(given, terminal) {
      const topic = await (await connect(given, terminal)).topics.describe(given.positionals[0] as string);
      await terminal.print(given.flag('json') ? `${JSON.stringify(topic)}\n` : tableOf(topic));
      return exit.ok;
    },
  },
  {
    name: 'topics alter',
    summary: 'add partitions, change settings',
    positionals: 'TOPIC',
    count: [1, 1],
    options: { ...settings, json, ...connectionOptions },
    examples: ['wadi topics alter orders --partitions 6', 'wadi topics alter orders --set retention.ms=-1'],
    async run(given, terminal) {
      const change = settingsOf(given);
      if (Object.keys(change).length === 0) throw new Usage('Give --partitions or --set: what is to be altered?');
      const topic = await (await connect(given, terminal)).topics.alter(given.positionals[0] as string, change);
      if (topic.note !== undefined) terminal.say(topic.note);
      await terminal.print(given.flag('json') ? `${JSON.stringify(topic)}\n` : lineOf(topic));
      return exit.ok;
    },
  },
  {
    name: 'topics delete',
    summary: 'delete a topic with all its records',
    positionals: 'TOPIC',
    count: [1, 1],
    options: { json, ...connectionOptions },
    examples: ['wadi topics delete orders'],
    async run(given, terminal) {
      const deleted = await (await connect(given, terminal)).topics.delete(given.positionals[0] as string);
      await terminal.print(given.flag('json') ? `${JSON.stringify(deleted)}\n` : `${deleted.name}\tdeleted\n`);
      return exit.ok;
    },
  },
];

function tableOf({ name, topicId, config, partitions }: TopicDescription): string {
  const rows = [
    ['partition', 'start', 'end', 'records', 'bytes'],
    ...partitions.map(({ partition, startOffset, endOffset, bytes }) => [partition, startOffset, endOffset, endOffset - startOffset, bytes].map(String)),
  ];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const table = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] as number)).join('  '));
  const set = Object.entries(config).map(([setting, value]) => `  ${setting} = ${value}`);
  return `${name} (${topicId})\n${set.join('\n')}\n\n${table.join('\n')}\n`;
}
