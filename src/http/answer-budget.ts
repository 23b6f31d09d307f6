// Answers of fetches that their readers have not taken yet: bounded in all, and a reader that takes nothing is cut
// off, or it would hold its share for ever (I13).

import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Api, RequestContext } from './api.ts';

/** Bytes of answers that the system has not taken over from this process yet. */
export type AnswerBudget = { readonly maxBytesInFlight: number; readonly stallMs: number; inFlight: number };

export const createAnswerBudget = (maxBytesInFlight: number = limits.maxAnswerBytesInFlight, stallMs: number = limits.answerStallMs): AnswerBudget => ({ maxBytesInFlight, stallMs, inFlight: 0 });

/**
 * Holds an answer's share of the budget from just before it is sent until it is sent, or its connection is gone.
 * @throws WadiError server_busy
 */
export function holdAnswer({ answers }: Api, { env: { incoming, outgoing } }: RequestContext, bytes: number): void {
  if (answers.inFlight + bytes > answers.maxBytesInFlight) throw new WadiError('server_busy', 'Too many bytes of answers are in flight in this server. Send the request again after a moment.');
  // Its end has been told already.
  if (incoming.socket.destroyed) return;
  answers.inFlight += bytes;
  outgoing.once('close', () => {
    answers.inFlight -= bytes;
  });
  // Node ends a connection that neither takes nor sends bytes for so long. Taken back before Node's own listener sets
  // the time of keep-alive, and before what waits behind this answer, such as a long poll.
  outgoing.setTimeout(answers.stallMs);
  outgoing.prependOnceListener('finish', () => outgoing.setTimeout(0));
}
