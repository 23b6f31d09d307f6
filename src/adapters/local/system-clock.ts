// The clock of this machine. Its timers do not keep the process alive: what a server must stay up for is its
// socket, and a process that has nothing left but waits should end. Whoever needs a wait to be carried out after the
// last socket has closed (a graceful stop) holds the process by other means.

import type { Clock } from '../../ports/world.ts';

/** Node runs a longer delay at once. */
const maxDelayMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), maxDelayMs)).unref();
    return () => clearTimeout(timer);
  },
};
