// What the failures of stores mean to a client, by whether anything of its request can stand.

import { StoreFailure } from '../ports/failure.ts';
import { toWadiError, WadiError } from '../record/errors.ts';
import { TimedOut } from './deadline.ts';

/** Before anything was sent, or where the store promised that nothing was done: the error may say so (I4). */
export function failureBeforeCommit(error: unknown): WadiError {
  if (error instanceof WadiError) return error;
  if (error instanceof TimedOut) return new WadiError('storage_unavailable', 'The store did not answer in time; nothing was written. Send the request again.', {}, { cause: error });
  if (!(error instanceof StoreFailure))
    return new WadiError('internal', 'The server met an error of its own before it wrote anything; its log has the details.', {}, { cause: error, sideEffects: 'none' });
  return storeError(new StoreFailure(error.reason, 'none', error.message, error));
}

/** Of a request that is answered as a whole: whatever it threw, as an error of the table. */
export const anyError = (error: unknown): WadiError => (error instanceof StoreFailure ? storeError(error) : toWadiError(error));

/** Whether anything was done is as the store says: unknown where its answer was lost. */
export function storeError(failure: StoreFailure): WadiError {
  const options = failure.effect === 'unknown' ? ({ cause: failure, sideEffects: 'unknown' } as const) : { cause: failure };
  switch (failure.reason) {
    case 'full':
      return new WadiError('storage_full', 'The store has no space left. Reading goes on. Free some space, then send the request again.', {}, options);
    case 'corrupt':
      return new WadiError('storage_corrupt', `Stored bytes are damaged: ${failure.message}.`, {}, options);
    case 'newer':
      return new WadiError('unsupported_format', `${failure.message}. Run a newer version of Wadi.`, {}, options);
    case 'throttled':
    case 'conflict':
    case 'unavailable':
      return new WadiError('storage_unavailable', 'The store did not answer in time. Send the request again.', {}, options);
    case 'closed':
      return new WadiError('storage_unavailable', 'The store takes no requests until the server is started again; its log says why.', {}, options);
  }
}

export const topicGone = (): WadiError => new WadiError('topic_not_found', 'The topic was deleted; nothing was written.');

/** @param once a producer or an idempotency key tells a repeat */
export const appendUnknown = (once: boolean): WadiError =>
  new WadiError(
    'append_unknown',
    `Whether the records stand is not known: the answer of the store was lost. ${once ? 'Send the same request again: it adds nothing if they do.' : 'The same request sent again may append them twice; with a producer, an Idempotency-Key or an expected offset it cannot.'}`,
  );

export const outOfOrder = (partition: number, sequence: number, expected: number): WadiError =>
  new WadiError(
    'out_of_order_sequence',
    `The batch has sequence ${sequence}, and partition ${partition} expects ${expected} of this producer; nothing was written. Send what is missing first. Where nothing is, the partition no longer knows the producer: take a new epoch (POST /v1/producers) and begin at 0.`,
    { sequence, expectedSequence: expected },
  );

export const producerFenced = (partition: number, epoch: number, newest: number): WadiError =>
  new WadiError('producer_fenced', `Partition ${partition} knows epoch ${newest} of this producer, and the batch has ${epoch}; nothing was written. Another process has taken the producer over.`, {
    epoch: newest,
  });

export const partitionBusy = (partition: number): WadiError =>
  new WadiError('partition_busy', `Too much waits on partition ${partition}. Send the request again after a moment, or use more partitions.`, { partition });

/** Runs the rest of a change of which something stands already: no error of it may say that nothing does (I4). */
export async function withSome<T>(rest: () => Promise<T>): Promise<T> {
  try {
    return await rest();
  } catch (error) {
    const known = anyError(error);
    if (known.sideEffects !== 'none') throw known;
    throw new WadiError(known.code, `${known.message} A part of the change stands; the same request sent again completes it.`, known.facts, { cause: error, sideEffects: 'some' });
  }
}
