// How clients ask a broker: with a time limit of their own, losing the answer where the process dies, and told
// of errors as the HTTP API would tell them: by code and by what the request left behind.

import type { Broker } from '../../src/broker/broker.ts';
import { storeError } from '../../src/broker/failures.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import { type ErrorCode, type ErrorFacts, WadiError } from '../../src/record/errors.ts';
import type { AppendOutcome } from '../support/history.ts';
import type { Node } from './cluster.ts';
import { steady } from './topics.ts';
import type { World } from './world.ts';

export type Failure = { readonly code: string; readonly effect: 'none' | 'some' | 'unknown'; readonly facts: ErrorFacts };
export type Answer<T> = { readonly value: T } | { readonly failure: Failure };

/** What no request of a sound client may be answered, whatever the network does; damage may be named where there is some. */
const neverSeen: ReadonlySet<ErrorCode> = new Set([
  'internal',
  'storage_corrupt',
  'unsupported_format',
  'invalid_request',
  'invalid_batch',
  'corrupt_batch',
  'invalid_record',
  'invalid_cursor',
  'invalid_partitions',
  'invalid_config',
]);

/** What nobody may be told of the topic that is there all the time. */
const notThere: ReadonlySet<string> = new Set(['topic_not_found', 'topic_recreated']);

/** Longer than the engine lets a request wait, so that its own answer comes first. */
const patientMs = 300_000;

export async function ask<T>(world: World, node: Node, what: string, run: (broker: Broker) => Promise<T>, limitMs = patientMs): Promise<Answer<T>> {
  const { broker } = node;
  if (broker === undefined) throw new Error(`${node.name} is down`);
  if (world.leavesOut()) return { failure: { code: 'left_out', effect: 'none', facts: {} } };
  const request = `${what} (${world.unique()}) at ${node.process.name}`;
  world.pending.add(request);
  world.trace.line(`${world.timeline.now().toFixed(3)} ${request} begins`);
  const answer = await new Promise<Answer<T>>((resolve) => {
    const settle = (outcome: Answer<T>): void => {
      cancel();
      node.onDeath.delete(lost);
      resolve(outcome);
    };
    const lost = (): void => settle({ failure: { code: 'connection_lost', effect: 'unknown', facts: {} } });
    const cancel = world.timeline.after(limitMs, () => {
      if (limitMs < patientMs) world.tally.injected('client gone');
      settle({ failure: { code: 'client_timeout', effect: 'unknown', facts: {} } });
    });
    node.onDeath.add(lost);
    attempt(broker, run).then(
      (value) => settle({ value }),
      (error: unknown) => settle({ failure: explain(world, what, error) }),
    );
  });
  world.pending.delete(request);
  if ('failure' in answer && what.includes(` ${steady}`) && notThere.has(answer.failure.code)) world.recorder.finding('topics', `${request} was answered ${answer.failure.code}`);
  const told = 'value' in answer ? 'ok' : `${answer.failure.code}/${answer.failure.effect}`;
  if (limitMs === patientMs && told.startsWith('client_timeout')) world.recorder.finding('liveness', `${request} was not answered within ${patientMs} ms`);
  world.trace.line(`${world.timeline.now().toFixed(3)} ${request} ends: ${told}`);
  return answer;
}

/** An exception before the first await is an answer like any other. */
async function attempt<T>(broker: Broker, run: (broker: Broker) => Promise<T>): Promise<T> {
  return run(broker);
}

export function explain(world: World, what: string, error: unknown): Failure {
  if (error instanceof StoreFailure) return explain(world, what, storeError(error));
  if (!(error instanceof WadiError)) {
    world.recorder.finding('engine', `${what} threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return { code: 'internal', effect: 'unknown', facts: {} };
  }
  if (neverSeen.has(error.code) && !(error.code === 'storage_corrupt' && world.network.damages())) world.recorder.finding('engine', `${what} was answered ${error.code}: ${error.message}`);
  return { code: error.code, effect: error.sideEffects, facts: error.facts };
}

export function outcomeOf(failure: Failure): AppendOutcome {
  if (failure.effect !== 'none') return { result: 'unknown', code: failure.code };
  const { endOffset } = failure.facts;
  return { result: 'refused', code: failure.code, ...(typeof endOffset === 'number' ? { endOffset } : {}) };
}
