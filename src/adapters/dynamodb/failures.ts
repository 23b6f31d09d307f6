// What an error of DynamoDB's client means: whether the call may have taken effect, and why it failed. Every call is
// sent once; what is tried again is for the protocol to decide.

import { InvalidWrite } from '../../log/write.ts';
import { type FailureReason, StoreFailure } from '../../ports/failure.ts';
import { sdkError } from '../aws/sdk-error.ts';
import type { CancellationReason } from './client.ts';

/** By the names of exceptions, and of the reasons for which a transaction was cancelled: nothing was written. */
const reasons: Readonly<Record<string, FailureReason>> = {
  ProvisionedThroughputExceededException: 'throttled',
  ProvisionedThroughputExceeded: 'throttled',
  ThrottlingException: 'throttled',
  ThrottlingError: 'throttled',
  RequestLimitExceeded: 'throttled',
  TransactionConflictException: 'conflict',
  TransactionConflict: 'conflict',
};

/** @param what names the call */
export function failureOf(error: unknown, what: string): StoreFailure | InvalidWrite {
  if (error instanceof StoreFailure || error instanceof InvalidWrite) return error;
  const { name, message, status, neverSent } = sdkError(error);
  const told = `${what} failed: ${name}: ${message}`;
  if (name === 'ValidationException') return new InvalidWrite(told);
  const known = reasons[name];
  if (known !== undefined) return new StoreFailure(known, 'none', told, error);
  if (name === 'ResourceNotFoundException') return new StoreFailure('unavailable', 'none', `${told}; create the table (docs/AWS.md), or name another one`, error);
  // A transaction of the same token that is under way may still be carried out.
  const refused = (status >= 400 && status < 500 && name !== 'TransactionInProgressException') || neverSent;
  return new StoreFailure('unavailable', refused ? 'none' : 'unknown', told, error);
}

/** Why a cancelled transaction wrote nothing, where it is not that a condition refused one of its writes; undefined: it is. */
export function cancelledBy(cancelled: readonly CancellationReason[]): StoreFailure | InvalidWrite | undefined {
  for (const { Code: code = 'None', Message: message = '' } of cancelled) {
    if (code === 'None' || code === 'ConditionalCheckFailed') continue;
    if (code === 'ValidationError') return new InvalidWrite(`a write of a transaction: ${message}`);
    return new StoreFailure(reasons[code] ?? 'unavailable', 'none', `a transaction was cancelled: ${code}: ${message}`);
  }
  return undefined;
}
