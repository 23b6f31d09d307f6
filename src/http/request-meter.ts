// What the API counts of its requests. A request costs a few additions to arrays: everything else is done by whoever
// asks for the counts.

import type { ErrorCode } from '../record/errors.ts';

/** Upper bounds of the histogram of durations; one more bucket takes the rest. */
export const durationBoundsS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

type OperationCounts = {
  /** By status. */
  readonly statuses: Map<number, number>;
  /** Of durations; not cumulative. */
  readonly buckets: number[];
  seconds: number;
};

export type RequestMeter = {
  /** Requests whose answers are not sent. */
  inFlight: number;
  readonly operations: Map<string, OperationCounts>;
  readonly errors: Map<ErrorCode, number>;
  ended(operation: string, status: number, durationMs: number): void;
  failed(code: ErrorCode): void;
};

export function createRequestMeter(): RequestMeter {
  const operations = new Map<string, OperationCounts>();
  const errors = new Map<ErrorCode, number>();

  function countsOf(operation: string): OperationCounts {
    let counts = operations.get(operation);
    if (counts === undefined) {
      counts = { statuses: new Map(), buckets: new Array<number>(durationBoundsS.length + 1).fill(0), seconds: 0 };
      operations.set(operation, counts);
    }
    return counts;
  }

  return {
    inFlight: 0,
    operations,
    errors,
    ended(operation, status, durationMs) {
      const counts = countsOf(operation);
      const seconds = durationMs / 1000;
      counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1);
      counts.seconds += seconds;
      let bucket = 0;
      while (bucket < durationBoundsS.length && seconds > (durationBoundsS[bucket] as number)) bucket++;
      counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
    },
    failed(code) {
      errors.set(code, (errors.get(code) ?? 0) + 1);
    },
  };
}
