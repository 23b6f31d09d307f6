// Runs what requests left for later (broker/run-work.ts), and removes what has expired (broker/expire.ts): when told to,
// and every minute. One run at a time; a call during a run makes it run once more.

import type { Broker } from '../broker/broker.ts';
import { removeExpired } from '../broker/expire.ts';
import { runDueWork } from '../broker/run-work.ts';

const everyMs = 60_000;

export type DueWork = {
  /** Does not wait for the work. */
  soon(): void;
  /** Ends the run that goes on now after the step it is at; the rest is left to a later run. */
  stop(): Promise<void>;
};

export function startDueWork(broker: Broker): DueWork {
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  async function run(): Promise<void> {
    do {
      again = false;
      await runDueWork(broker, () => stopped).catch((error: unknown) => broker.telemetry.report('due_work_failed', {}, error));
      await removeExpired(broker, () => stopped).catch((error: unknown) => broker.telemetry.report('expiry_failed', {}, error));
    } while (again && !stopped);
    running = undefined;
  }
  const soon = (): void => {
    if (stopped) return;
    if (running === undefined) running = run();
    else again = true;
  };
  const timer = setInterval(soon, everyMs).unref();
  soon();
  return {
    soon,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
