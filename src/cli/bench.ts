// wadi bench: how fast this server is for this client, in round numbers.

import type { Client } from '../client/client.ts';
import { Problem } from '../client/problem.ts';
import { type Command, exit, Usage } from './command.ts';
import { connect, connectionOptions } from './connection.ts';

export const benchCommand: Command = {
  name: 'bench',
  summary: 'measure a server: append, then read',
  positionals: '',
  count: [0, 0],
  options: {
    seconds: { value: 'N', help: 'how long to append (5)' },
    connections: { value: 'N', help: 'requests at a time (16)' },
    records: { value: 'N', help: 'records in a request (100)' },
    bytes: { value: 'N', help: 'bytes of a value (1000)' },
    partitions: { value: 'N', help: 'partitions of the topic (1)' },
    topic: { value: 'TOPIC', help: 'made for it and deleted afterwards (wadi-bench-…)' },
    ...connectionOptions,
  },
  notes: 'Client and server share what the machine has; a number of its own means little. Compare it with another of the same machine.',
  examples: ['wadi bench --seconds 1 --connections 4'],
  async run(given, terminal) {
    const client = await connect(given, terminal);
    const topic = given.text('topic') ?? `wadi-bench-${Date.now()}`;
    const load = {
      seconds: given.integer('seconds', 1) ?? 5,
      connections: given.integer('connections', 1) ?? 16,
      records: given.integer('records', 1) ?? 100,
      bytes: given.integer('bytes', 1) ?? 1000,
    };
    if (await stands(client, topic)) throw new Usage(`Topic "${topic}" stands already. Give a name that is free: this topic is filled, and deleted in the end.`);
    await client.topics.create(topic, { partitions: given.integer('partitions', 1) ?? 1 });
    try {
      const appended = await append(client, topic, load, terminal.interrupted);
      await terminal.print(line('append', appended, load.records, load.bytes));
      const read = await readAll(client, topic);
      await terminal.print(`read    ${perSecond(read.records, read.ms)} records/s  ${mib(read.records * load.bytes, read.ms)} MiB/s\n`);
    } finally {
      await client.topics.delete(topic);
    }
    return exit.ok;
  },
};

async function stands(client: Client, topic: string): Promise<boolean> {
  try {
    await client.topics.describe(topic);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'topic_not_found') return false;
    throw error;
  }
}

type Load = { readonly seconds: number; readonly connections: number; readonly records: number; readonly bytes: number };
type Measured = { readonly requests: number; readonly ms: number; readonly latenciesMs: readonly number[] };

async function append(client: Client, topic: string, { seconds, connections, records, bytes }: Load, signal: AbortSignal): Promise<Measured> {
  const body = JSON.stringify({ records: Array.from({ length: records }, () => ({ value: 'x'.repeat(Math.max(0, bytes - 2)) })) });
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < endMs && !signal.aborted) {
        const sentMs = performance.now();
        const response = await client.send('POST', `/v1/topics/${encodeURIComponent(topic)}/records`, { headers: { 'content-type': 'application/json' }, body });
        await response.arrayBuffer();
        latenciesMs.push(performance.now() - sentMs);
      }
    }),
  );
  return { requests: latenciesMs.length, ms: performance.now() - startMs, latenciesMs: latenciesMs.sort((a, b) => a - b) };
}

async function readAll(client: Client, topic: string): Promise<{ records: number; ms: number }> {
  const startMs = performance.now();
  let records = 0;
  for await (const _ of client.read(topic)) records++;
  return { records, ms: performance.now() - startMs };
}

function line(what: string, { requests, ms, latenciesMs }: Measured, records: number, bytes: number): string {
  const at = (share: number): string => (latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(share * latenciesMs.length))] ?? 0).toFixed(2);
  return `${what}  ${perSecond(requests * records, ms)} records/s  ${mib(requests * records * bytes, ms)} MiB/s  ${perSecond(requests, ms)} requests/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms\n`;
}

const perSecond = (count: number, ms: number): string => Math.round((count / ms) * 1000).toLocaleString('en');
const mib = (bytes: number, ms: number): string => ((bytes / ms) * (1000 / 2 ** 20)).toFixed(1);
