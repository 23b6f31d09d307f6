// One append by a client, by either way into the engine, and its entry in the history.

import { type AppendAnswer, appendBatches, appendRecords, type ProducerFields } from '../../src/broker/append.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { AppendOutcome } from '../support/history.ts';
import type { SeededRandom } from '../support/random.ts';
import { encodeBatch } from '../support/record-batch.ts';
import { ask, explain, type Failure, outcomeOf } from './client.ts';
import type { Node } from './cluster.ts';
import { epochMs } from './ports.ts';
import { steady } from './topics.ts';
import type { World } from './world.ts';

/** What an answer says that the records stand, and not where. */
export const duplicate = 'duplicate';

export type Text = { readonly text: string; readonly timestamp: number };
export type Part = { readonly partition: number; readonly texts: readonly Text[] };

export type AppendRequest = {
  readonly topic: string;
  readonly parts: readonly Part[];
  readonly expectedOffset?: number;
  /** Record batches made by the client instead of records; for one partition only. */
  readonly asBatches?: boolean;
  /** For one partition only. */
  readonly producer?: ProducerFields;
  /** How long the client waits. */
  readonly limitMs?: number | undefined;
};

/** What came of each part, in the order of the request; the topic's id where an answer told it. */
export type AppendReport = { readonly topicId: string | undefined; readonly outcomes: readonly AppendOutcome[] };

/** Texts that nobody else sends: mostly small, some larger; each is recognised whole, byte for byte. */
export function makeTexts(world: World, client: string, random: SeededRandom, count: number): Text[] {
  return Array.from({ length: count }, () => {
    const id = `${client}:${world.unique()}`;
    const text = random.chance(0.15) ? id.padEnd(random.between(100, 900), `${id} `) : id;
    // Clients' clocks go forward on the whole, not from record to record.
    const timestamp = Math.floor(epochMs + world.timeline.now()) - random.between(0, 3_000);
    world.recorder.timestamps.set(text, timestamp);
    return { text, timestamp };
  });
}

/** Sends the request once, without an entry in the history. */
export async function send(world: World, node: Node, client: string, request: AppendRequest): Promise<AppendReport> {
  const what = `${client} appends ${request.parts.map(({ partition, texts }) => `${texts[0]?.text.slice(0, 30)} x${texts.length} to ${request.topic}/${partition}`).join(', ')}${request.expectedOffset === undefined ? '' : ` at ${request.expectedOffset}`}`;
  const answer = await ask(world, node, what, (broker) => call(broker, request), request.limitMs);
  if ('failure' in answer) return { topicId: undefined, outcomes: request.parts.map(() => outcomeOf(answer.failure)) };
  const { topicId, results } = answer.value;
  world.recorder.topicNames.set(topicId, request.topic);
  const outcomes = request.parts.map(({ partition, texts }): AppendOutcome => {
    const result = results.find((one) => one.partition === partition);
    if (result === undefined) {
      world.recorder.finding('engine', `${what}: the answer says nothing of partition ${partition}`);
      return { result: 'unknown', code: 'no_result' };
    }
    if ('error' in result && request.topic === steady && result.error.code === 'topic_not_found') world.recorder.finding('topics', `${what}: ${result.error.message}`);
    if ('error' in result) return outcomeOf(explain(world, what, result.error) satisfies Failure);
    const { baseOffset, count } = result;
    if (baseOffset === null) return { result: 'unknown', code: duplicate };
    return { result: 'acknowledged', offsets: Array.from({ length: count }, (_, i) => baseOffset + i).slice(0, texts.length + 1) };
  });
  world.trace.line(`${client} ${outcomes.map((outcome) => `${outcome.result} ${'offsets' in outcome ? outcome.offsets.join(',') : outcome.code}`).join('; ')}`);
  return { topicId, outcomes };
}

function call(broker: Broker, { topic, parts, expectedOffset, asBatches, producer }: AppendRequest): Promise<AppendAnswer> {
  const [first] = parts as readonly [Part];
  if (asBatches === true) {
    const middle = Math.ceil(first.texts.length / 2);
    const halves = [first.texts.slice(0, middle), first.texts.slice(middle)].filter((half) => half.length > 0);
    const body = Buffer.concat(
      halves.map((half, i) =>
        encodeBatch(
          half.map(({ text, timestamp }) => ({ value: Buffer.from(text), timestamp })),
          0,
          producer === undefined ? undefined : { ...producer, sequence: producer.sequence + i * middle },
        ),
      ),
    );
    return appendBatches(broker, { topic, partition: first.partition, body: new Uint8Array(body), expectedOffset });
  }
  if (parts.length === 1) return appendRecords(broker, { topic, partition: first.partition, records: () => first.texts.map(toRecord), expectedOffset, producer: () => producer });
  return appendRecords(broker, { topic, records: () => parts.flatMap(({ partition, texts }) => texts.map((text) => ({ ...toRecord(text), partition }))) });
}

export const toRecord = ({ text, timestamp }: Text) => ({ timestamp, key: null, value: new TextEncoder().encode(text), headers: [] });

/** Sends the request once and records what came of it. */
export async function append(world: World, node: Node, client: string, request: AppendRequest): Promise<AppendReport> {
  const began = world.recorder.moment();
  const report = await send(world, node, client, request);
  request.parts.forEach(({ partition, texts }, i) => {
    const event = { client, records: texts.map(({ text }) => text), began, ...(request.expectedOffset === undefined ? {} : { expectedOffset: request.expectedOffset }) };
    world.recorder.append(event, { topic: request.topic, topicId: report.topicId, number: partition }, report.outcomes[i] as AppendOutcome);
  });
  return report;
}
