// Telemetry of one process: counters in memory, and what an operator should know of as a line of JSON on stderr.

import type { Telemetry, TelemetryCounter } from '../ports/world.ts';

export type ProcessTelemetry = Telemetry & { total(counter: TelemetryCounter): number };

export function processTelemetry(write: (line: string) => void): ProcessTelemetry {
  const totals = new Map<TelemetryCounter, number>();
  return {
    count: (counter, by = 1) => void totals.set(counter, (totals.get(counter) ?? 0) + by),
    report: (event, facts, cause) => write(JSON.stringify({ time: new Date().toISOString(), event, ...facts, ...(cause === undefined ? {} : { cause: describe(cause) }) })),
    total: (counter) => totals.get(counter) ?? 0,
  };
}

/** With the chain of causes. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return `${cause.stack ?? cause.message}${cause.cause === undefined ? '' : `\ncaused by ${describe(cause.cause)}`}`;
}
