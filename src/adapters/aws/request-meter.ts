// Counts the requests that go to AWS, how they ended and how long they took, and the units of DynamoDB as it tells them
// itself. What DynamoDB does not tell is not in the units: those of writes that a condition refused.

import { performance } from 'node:perf_hooks';
import { sdkError } from './sdk-error.ts';

/** `refused`: an answer that the protocol expects, such as a condition that does not hold, or an object that is there already. */
const outcomes = ['ok', 'refused', 'throttled', 'failed'] as const;
type Outcome = (typeof outcomes)[number];

type AwsRequests = {
  readonly service: 'dynamodb' | 's3';
  readonly operation: string;
  readonly ended: Record<Outcome, number>;
  seconds: number;
};

export type RequestMeter = {
  /** Of each operation that was used. */
  requests(): readonly Readonly<AwsRequests>[];
  /** Without an answer yet. */
  inFlight(): number;
  units(): { readonly write: number; readonly read: number };
  /** Counts what `send` sends, and answers or throws as it does. */
  measure<T>(service: AwsRequests['service'], operation: string, send: () => Promise<T>): Promise<T>;
  /** DynamoDB told so many. */
  consumed(kind: 'write' | 'read', units: number): void;
};

export function requestMeter(): RequestMeter {
  const counts = new Map<string, AwsRequests>();
  const units = { write: 0, read: 0 };
  let inFlight = 0;

  function entryOf(service: AwsRequests['service'], operation: string): AwsRequests {
    const name = `${service} ${operation}`;
    const known = counts.get(name);
    if (known !== undefined) return known;
    const entry: AwsRequests = { service, operation, ended: { ok: 0, refused: 0, throttled: 0, failed: 0 }, seconds: 0 };
    counts.set(name, entry);
    return entry;
  }

  return {
    requests: () => [...counts.values()],
    inFlight: () => inFlight,
    units: () => units,
    async measure(service, operation, send) {
      const entry = entryOf(service, operation);
      const beganMs = performance.now();
      inFlight++;
      try {
        const answer = await send();
        entry.ended.ok++;
        return answer;
      } catch (error) {
        entry.ended[outcomeOf(error)]++;
        throw error;
      } finally {
        inFlight--;
        entry.seconds += (performance.now() - beganMs) / 1000;
      }
    },
    consumed(kind, more) {
      units[kind] += more;
    },
  };
}

function outcomeOf(error: unknown): Outcome {
  const { name, status } = sdkError(error);
  if (/thrott|slowdown|limitexceeded|throughputexceeded|toomany/i.test(name) || status === 429 || status === 503) return 'throttled';
  return status >= 400 && status < 500 ? 'refused' : 'failed';
}
