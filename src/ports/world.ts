// The rest of what the engine needs of the world. Time and randomness come in here and nowhere else, so the
// whole system runs under one seed in the simulator. Clocks decide when to try, never what is true (I12).

export interface Clock {
  /** Wall time, milliseconds since 1970. May jump. */
  nowMs(): number;
  /** For durations: never falls. */
  monotonicMs(): number;
  /** Runs the callback once after the delay; the answer cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** In [0, 1). */
  fraction(): number;
}

/** Tells readers that wait that a partition has grown. A hint: a lost one costs time, never truth. */
export interface Wakeups {
  notify(channel: string): void;
  /** The answer ends the subscription. */
  subscribe(channel: string, callback: () => void): () => void;
}

export type TelemetryCounter = 'appends' | 'records' | 'appendedBytes' | 'commits' | 'fetches' | 'fetchedBytes' | 'rotations' | 'resends' | 'splits' | 'repeats' | 'windowPassed';

/** Upper bounds of the histogram of appends in a commit. */
export const commitSizeBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;

export interface Telemetry {
  count(counter: TelemetryCounter, by?: number): void;
  /** So many appends stand by one commit. */
  commitSize(appends: number): void;
  /** Something that an operator should know of; `cause` is for the log only. */
  report(event: string, facts: Readonly<Record<string, string | number>>, cause?: unknown): void;
}

/** Resolves after the delay. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
