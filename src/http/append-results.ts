// What an append of several partitions answers where some of them failed.

import type { PartitionResult } from '../broker/append.ts';
import { WadiError } from '../record/errors.ts';
import { statusOf } from './problems.ts';

type FailedResult = PartitionResult & { readonly error: WadiError };

/** The first, or one whose effect is not known: it must not promise for all partitions what is true of one (I4). */
export function asOne(errors: readonly FailedResult[]): WadiError {
  const unsure = errors.find(({ error }) => error.sideEffects !== 'none')?.error;
  return unsure ?? errors[0]?.error ?? new WadiError('internal', 'The request had no partition.');
}

export function describeResult(result: PartitionResult): object {
  if (!('error' in result)) return result;
  const { code, message: detail, retryable, sideEffects, facts } = result.error;
  return { partition: result.partition, status: statusOf(result.error), code, detail, retryable, sideEffects, ...facts };
}
