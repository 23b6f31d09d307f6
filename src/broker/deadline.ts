// Bounds on waiting: a deadline that a chain of calls shares, and the pause between tries.

import { type Clock, type Random, sleep } from '../ports/world.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';

/** The call may still be carried out, but nobody waits for it any more. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

export type Deadline = {
  /** The promise's outcome, or a TimedOut when the deadline comes first. */
  race<T>(promise: Promise<T>): Promise<T>;
  leftMs(): number;
  /** To be called when nothing will be raced any more. */
  clear(): void;
};

function deadlineIn(clock: Clock, delayMs: number): Deadline {
  const endMs = clock.monotonicMs() + delayMs;
  let over = false;
  const waiting = new Set<(error: TimedOut) => void>();
  const cancel = clock.after(delayMs, () => {
    over = true;
    for (const reject of waiting) reject(new TimedOut(`no answer within ${delayMs} ms`));
    waiting.clear();
  });
  return {
    race(promise) {
      if (over) {
        // The call was made all the same; how it ends must not become a rejection that nobody handles.
        promise.catch(() => undefined);
        return Promise.reject(new TimedOut(`no answer within ${delayMs} ms`));
      }
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        promise.then(resolve, reject).finally(() => waiting.delete(reject));
      });
    },
    leftMs: () => endMs - clock.monotonicMs(),
    clear: cancel,
  };
}

/** Of an append that begins now. */
export const appendDeadline = ({ clock, policy }: Pick<Broker, 'clock' | 'policy'>): Deadline =>
  deadlineIn(clock, Math.min(limits.appendTimeoutMs, policy.appendMsLeft?.() ?? Number.POSITIVE_INFINITY));

/** The promise's value, or undefined when the delay is over first; it must not reject. */
export function within<T>(clock: Clock, promise: Promise<T>, delayMs: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const cancel = clock.after(delayMs, () => resolve(undefined));
    void promise.then((value) => {
      cancel();
      resolve(value);
    });
  });
}

/** Grows from 10 ms to about a second, with jitter, so that those who failed together do not return together. */
export function backoff({ clock, random }: { readonly clock: Clock; readonly random: Random }, attempt: number): Promise<void> {
  return sleep(clock, Math.min(1000, 10 * 2 ** attempt) * (0.5 + random.fraction()));
}
