// Counts the requests that clients of AWS send, how they ended and how long they took, and the units of DynamoDB as it
// tells them itself. What DynamoDB does not tell is not in the units: those of writes that a condition refused.

import { performance } from 'node:perf_hooks';
import { sdkError } from './sdk-error.ts';

/** `refused`: an answer that the protocol expects, such as a condition that does not hold, or an object that is there already. */
const outcomes = ['ok', 'refused', 'throttled', 'failed'] as const;
type Outcome = (typeof outcomes)[number];

type AwsRequests = {
  readonly service: 'dynamodb' | 's3';
  readonly operation: string;
  readonly ended: Readonly<Record<Outcome, number>>;
  readonly seconds: number;
};

export type RequestMeter = {
  /** Of each operation that was used. */
  requests(): readonly AwsRequests[];
  /** Without an answer yet. */
  inFlight(): number;
  units(): { readonly write: number; readonly read: number };
  /** Counts what this client sends from now on. */
  watch(client: Watched, service: AwsRequests['service']): void;
};

type Capacity = { readonly ReadCapacityUnits?: number; readonly WriteCapacityUnits?: number; readonly CapacityUnits?: number };
type Output = { readonly ConsumedCapacity?: Capacity | readonly Capacity[] };
type Handler = (args: { input: object }) => Promise<{ output: object }>;
/** What the clients of the SDK have in common. */
// biome-ignore lint/suspicious/noExplicitAny: each client of the SDK has types of its own for its middleware
type Watched = { readonly middlewareStack: { add(middleware: any, options: any): void } };

const writes = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems']);

export function requestMeter(): RequestMeter {
  const counts = new Map<string, { service: AwsRequests['service']; operation: string; ended: Record<Outcome, number>; seconds: number }>();
  const units = { write: 0, read: 0 };
  let inFlight = 0;

  function count(service: AwsRequests['service'], operation: string, outcome: Outcome, beganMs: number): void {
    const name = `${service} ${operation}`;
    let entry = counts.get(name);
    if (entry === undefined) {
      entry = { service, operation, ended: { ok: 0, refused: 0, throttled: 0, failed: 0 }, seconds: 0 };
      counts.set(name, entry);
    }
    entry.ended[outcome]++;
    entry.seconds += (performance.now() - beganMs) / 1000;
  }

  function addUnits(operation: string, { ConsumedCapacity = [] }: Output): void {
    const kind = writes.has(operation) ? 'write' : 'read';
    for (const { CapacityUnits = 0 } of Array.isArray(ConsumedCapacity) ? (ConsumedCapacity as readonly Capacity[]) : [ConsumedCapacity as Capacity]) units[kind] += CapacityUnits;
  }

  return {
    requests: () => [...counts.values()],
    inFlight: () => inFlight,
    units: () => units,
    watch({ middlewareStack }, service) {
      middlewareStack.add(
        (next: Handler, { commandName }: { commandName: string }) =>
          async (args: Parameters<Handler>[0]): ReturnType<Handler> => {
            const operation = commandName.replace(/Command$/, '');
            const beganMs = performance.now();
            inFlight++;
            try {
              const answer = await next(service === 'dynamodb' ? { ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } } : args);
              count(service, operation, 'ok', beganMs);
              if (service === 'dynamodb') addUnits(operation, answer.output as Output);
              return answer;
            } catch (error) {
              count(service, operation, outcomeOf(error), beganMs);
              throw error;
            } finally {
              inFlight--;
            }
          },
        { step: 'initialize', name: 'requestMeter' },
      );
    },
  };
}

function outcomeOf(error: unknown): Outcome {
  const { name, status } = sdkError(error);
  if (/thrott|slowdown|limitexceeded|throughputexceeded|toomany/i.test(name) || status === 429 || status === 503) return 'throttled';
  return status >= 400 && status < 500 ? 'refused' : 'failed';
}
