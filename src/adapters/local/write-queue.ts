// Calls on their way to their group. The order of arrival is kept. Bounded (I13): beyond it comes "throttled".

import { InvalidWrite } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import type { Answer, Received } from './decide.ts';

const mib = 1024 * 1024;
const maxGroupBytes = 16 * mib;
const maxGroupCalls = 1024;
const maxCallBytes = 64 * mib;
const maxQueuedBytes = 256 * mib;
/** What a write takes besides the item of a put, at a guess. */
const writeBytes = 1024;

type Told = Exclude<Answer, { status: 'failed' }>;

export type Waiting = { readonly call: readonly Received[]; readonly bytes: number; readonly resolve: (answer: Told) => void; readonly reject: (error: Error) => void };

export type WriteQueue = {
  /** @throws InvalidWrite, StoreFailure "throttled" */
  add(call: readonly Received[]): Promise<Told>;
  /** The next group; its bytes count until `done`. */
  take(): readonly Waiting[];
  done(group: readonly Waiting[]): void;
  /** Nothing waits that was not taken. */
  readonly empty: boolean;
};

export function writeQueue(): WriteQueue {
  let waiting: Waiting[] = [];
  let queuedBytes = 0;

  return {
    add(call) {
      const bytes = call.reduce((sum, { encoded }) => sum + writeBytes + (encoded?.bytes ?? 0), 0);
      if (bytes > maxCallBytes) throw new InvalidWrite(`writes that stand together take ${bytes} bytes; at most ${maxCallBytes} may`);
      if (queuedBytes + bytes > maxQueuedBytes) throw new StoreFailure('throttled', 'none', `${queuedBytes} bytes wait for the ledger already`);
      queuedBytes += bytes;
      return new Promise((resolve, reject) => waiting.push({ call, bytes, resolve, reject }));
    },

    take() {
      let bytes = 0;
      let calls = 0;
      for (const next of waiting) {
        if (calls === maxGroupCalls || (calls > 0 && bytes + next.bytes > maxGroupBytes)) break;
        bytes += next.bytes;
        calls++;
      }
      const group = waiting.slice(0, calls);
      waiting = waiting.slice(calls);
      return group;
    },

    done(group) {
      for (const { bytes } of group) queuedBytes -= bytes;
    },

    get empty() {
      return waiting.length === 0;
    },
  };
}
