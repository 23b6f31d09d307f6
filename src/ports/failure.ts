// How a call to a store fails. A failure says whether the call may have taken effect: "none" is a promise,
// "unknown" is what a lost answer leaves. The protocol decides what to do next; adapters never retry writes.

export type FailureReason =
  /** The store asks us to slow down. */
  | 'throttled'
  /** Another transaction held the item. */
  | 'conflict'
  /** No answer, a lost connection, a 5xx. */
  | 'unavailable'
  /** No space left. */
  | 'full'
  /** What is stored is damaged. */
  | 'corrupt'
  /** What is stored was written by a newer version. */
  | 'newer'
  /** The store was closed. */
  | 'closed';

export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly reason: FailureReason;
  readonly effect: 'none' | 'unknown';

  constructor(reason: FailureReason, effect: 'none' | 'unknown', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.effect = effect;
  }
}
