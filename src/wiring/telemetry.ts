// Telemetry of one process: counters in memory, and what an operator should know of as a line on standard error.

import { commitSizeBounds, type Telemetry, type TelemetryCounter } from '../ports/world.ts';
import type { Log } from './log.ts';

export type ProcessTelemetry = Telemetry & {
  total(counter: TelemetryCounter): number;
  /** By the bounds of `commitSizeBounds`, and the rest; not cumulative. */
  commitSizes(): { readonly buckets: readonly number[]; readonly sum: number };
};

export function processTelemetry(log: Log): ProcessTelemetry {
  const totals = new Map<TelemetryCounter, number>();
  const buckets = new Array<number>(commitSizeBounds.length + 1).fill(0);
  let sum = 0;
  return {
    count: (counter, by = 1) => void totals.set(counter, (totals.get(counter) ?? 0) + by),
    commitSize(appends) {
      const bucket = commitSizeBounds.findIndex((bound) => appends <= bound);
      const at = bucket < 0 ? commitSizeBounds.length : bucket;
      buckets[at] = (buckets[at] ?? 0) + 1;
      sum += appends;
    },
    report: (event, facts, cause) => log.write('error', event, cause === undefined ? facts : { ...facts, cause: describe(cause) }),
    total: (counter) => totals.get(counter) ?? 0,
    commitSizes: () => ({ buckets, sum }),
  };
}

/** With the chain of causes. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return `${cause.stack ?? cause.message}${cause.cause === undefined ? '' : `\ncaused by ${describe(cause.cause)}`}`;
}
