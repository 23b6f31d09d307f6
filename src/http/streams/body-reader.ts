// Reading a body that may never end: piece by piece, no faster than it is asked for, so that what is not asked for
// stays with the sender.

import type { IncomingMessage } from 'node:http';

/** Connections whose request may take longer than others to arrive (server/refused.ts). */
const unhurried = new WeakSet<object>();
export const isUnhurried = (socket: object): boolean => unhurried.has(socket);

export type BodyEnd =
  | 'end'
  /** The connection is gone. */
  | 'cut'
  /** Nothing came for too long. */
  | 'idle'
  /** The server is about to stop. */
  | 'stopping';

export type BodyReader = {
  /** Whether there is something to read, or how the body ended; undefined: neither, yet. */
  state(): 'more' | BodyEnd | undefined;
  /** Resolves with the state when there is one. */
  wait(): Promise<'more' | BodyEnd>;
  /** What has come; only where the state is `more`. */
  read(): Buffer;
  close(): void;
};

/** @param idleMs without a byte either way on the connection */
export function bodyReader(incoming: IncomingMessage, stopping: AbortSignal, idleMs: number): BodyReader {
  let wake = (): void => {};
  let idle = false;
  const onNews = (): void => wake();
  const onIdle = (): void => {
    idle = true;
    wake();
  };
  incoming.on('readable', onNews).on('end', onNews).on('close', onNews).on('error', onNews);
  stopping.addEventListener('abort', onNews);
  incoming.setTimeout(idleMs, onIdle);
  unhurried.add(incoming.socket);

  function state(): 'more' | BodyEnd | undefined {
    // Has the stream tell of its end, where that is all that is left.
    incoming.read(0);
    if (incoming.readableEnded) return 'end';
    if (stopping.aborted) return 'stopping';
    if (incoming.readableLength > 0) return 'more';
    if (incoming.destroyed) return 'cut';
    return idle ? 'idle' : undefined;
  }

  return {
    state,
    async wait() {
      idle = false;
      for (;;) {
        const now = state();
        if (now !== undefined) return now;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    read: () => incoming.read() as Buffer,
    close() {
      incoming.off('readable', onNews).off('end', onNews).off('close', onNews).off('error', onNews).off('timeout', onIdle);
      // Whatever still comes of an error that nobody waits for.
      incoming.on('error', () => {});
      stopping.removeEventListener('abort', onNews);
      unhurried.delete(incoming.socket);
      incoming.setTimeout(0);
    },
  };
}
