// An answer that is written as it comes. What its reader has not taken yet counts among the answers in flight (I13), and
// a reader that takes nothing for too long is cut off.

import { headersOf } from '../answer.ts';
import type { Api, RequestContext } from '../api.ts';

export type Outlet = {
  /** Sends the head before the first bytes. What is written to a reader that has gone is dropped. */
  write(bytes: Uint8Array | string): void;
  /** Resolves when the reader has taken nearly all, or has gone. */
  drained(): Promise<void>;
  /** A reader that takes nothing for too long from now on is cut off. */
  watch(): void;
  end(): void;
  /** The head is sent: an error can no longer have a status. */
  readonly begun: boolean;
  /** The reader does not keep up. */
  readonly behind: boolean;
  /** Aborted when the reader has gone or the server stops. */
  readonly over: AbortSignal;
  readonly gone: boolean;
  /** What no reader has taken yet may take so many bytes more. */
  hasRoom(bytes: number): boolean;
};

export function openOutlet(api: Api, context: RequestContext, contentType: string): Outlet {
  const { answers, stopping } = api;
  const { outgoing } = context.env;
  const readerGone = new AbortController();
  let held = 0;
  outgoing.once('close', () => {
    answers.inFlight -= held;
    held = 0;
    readerGone.abort();
  });
  if (outgoing.destroyed) readerGone.abort();

  function begin(): void {
    if (outgoing.headersSent) return;
    // Nobody on the way is to keep or to gather what should arrive as it comes.
    outgoing.writeHead(200, headersOf(api, context, contentType, { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' }));
  }

  return {
    write(bytes) {
      if (readerGone.signal.aborted) return;
      begin();
      const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
      held += length;
      answers.inFlight += length;
      outgoing.write(bytes, () => {
        if (readerGone.signal.aborted) return;
        held -= length;
        answers.inFlight -= length;
      });
    },
    async drained() {
      if (!outgoing.writableNeedDrain || readerGone.signal.aborted) return;
      await new Promise<void>((resolve) => {
        const end = (): void => {
          outgoing.off('drain', end).off('close', end);
          resolve();
        };
        outgoing.on('drain', end).on('close', end);
      });
    },
    watch() {
      outgoing.setTimeout(answers.stallMs);
      outgoing.prependOnceListener('finish', () => outgoing.setTimeout(0));
    },
    end: () => void outgoing.end(),
    get begun() {
      return outgoing.headersSent;
    },
    get behind() {
      return outgoing.writableNeedDrain;
    },
    over: AbortSignal.any([readerGone.signal, stopping]),
    get gone() {
      return readerGone.signal.aborted;
    },
    hasRoom: (bytes) => answers.inFlight + bytes <= answers.maxBytesInFlight,
  };
}
