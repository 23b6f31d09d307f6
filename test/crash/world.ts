// What all clients of the crash test share, and what an answer to an append means to them.

import type { AppendOutcome } from '../support/history.ts';
import type { SeededRandom } from '../support/random.ts';
import { ConnectionLost, type Reply, type Request, type Send } from './http.ts';
import type { Recorder, Value } from './recorder.ts';
import type { Target } from './target.ts';

export type Topic = { readonly name: string; readonly id: string; readonly partitions: number };

export type World = {
  readonly send: Send;
  readonly target: Pick<Target, 'up'>;
  readonly recorder: Recorder;
  readonly random: SeededRandom;
  readonly topic: Topic;
  /** What a body may have, where that is less than what a server takes. */
  readonly maxBodyBytes?: number;
  /** Set at the end of the load; clients finish what they are at. */
  readonly stopped: () => boolean;
};

/** Problems that a crash and a full queue explain; any other is a failure of the test. */
export const explained = new Set(['partition_busy', 'server_busy', 'shutting_down', 'storage_unavailable', 'append_unknown', 'offset_mismatch']);

export type Part = { readonly partition: number; readonly values: readonly Value[]; readonly expectedOffset?: number };

/** Sends one request that appends to one or several partitions and records what came of each. */
export async function append(world: World, client: string, how: string, path: string, request: Request, parts: readonly Part[], topic = world.topic): Promise<AppendOutcome[]> {
  const { recorder, send, target } = world;
  const began = recorder.moment();
  const outcomes = await send(path, { method: 'POST', ...request }).then(
    (reply) => parts.map((part) => outcomeOf(recorder, how, reply, part)),
    (error: unknown) => {
      if (!(error instanceof ConnectionLost)) throw error;
      if (error.timedOut) recorder.complain(`${how}: no answer within the time limit`);
      return error.sent ? parts.map((): AppendOutcome => ({ result: 'unknown', code: error.message })) : undefined;
    },
  );
  // A refused connection carried nothing: no event, and its texts must never be seen.
  for (const [i, { partition, values, expectedOffset }] of parts.entries()) {
    const outcome = outcomes?.[i];
    if (outcome === undefined) continue;
    const event = { client, partition: `${topic.id}/${partition}`, records: values.map((value) => value.text), began };
    recorder.append(expectedOffset === undefined ? event : { ...event, expectedOffset }, outcome, how);
  }
  if (outcomes?.every((outcome) => outcome.result === 'acknowledged') !== true) await target.up();
  return outcomes ?? [];
}

type Result = {
  readonly partition: number;
  readonly baseOffset?: number;
  readonly count?: number;
  readonly code?: string;
  readonly sideEffects?: string;
  readonly endOffset?: number;
  readonly detail?: string;
};

function outcomeOf(recorder: Recorder, how: string, reply: Reply, part: Part): AppendOutcome {
  const answer = parse(reply);
  const result: Result | undefined =
    reply.status === 200 || reply.status === 207 ? (answer?.results as Result[] | undefined)?.find(({ partition }) => partition === part.partition) : (answer as Result);
  if (result === undefined) {
    recorder.complain(`${how}: ${reply.status} without a word on partition ${part.partition}: ${reply.body.toString('utf8', 0, 200)}`);
    return { result: 'unknown', code: `status ${reply.status}` };
  }
  const { baseOffset, count, code, sideEffects, endOffset } = result;
  if (baseOffset !== undefined && count !== undefined) return { result: 'acknowledged', offsets: Array.from({ length: count }, (_, i) => baseOffset + i) };
  if (code === undefined || !explained.has(code)) recorder.complain(`${how}: ${reply.status} ${code ?? reply.body.toString('utf8', 0, 200)} (${result.detail ?? ''})`);
  if (code === undefined || sideEffects !== 'none') return { result: 'unknown', code: code ?? `status ${reply.status}` };
  return { result: 'refused', code, ...(endOffset === undefined ? {} : { endOffset }) };
}

// biome-ignore lint/suspicious/noExplicitAny: answers are judged field by field
export function parse(reply: Reply): any {
  try {
    return JSON.parse(reply.body.toString());
  } catch {
    return undefined;
  }
}
