// What an error of S3's client means.

import { StoreFailure } from '../../ports/failure.ts';
import { sdkError } from '../aws/sdk-error.ts';

const meanings = {
  absent: { names: ['NoSuchKey', 'NotFound'], status: 404 },
  /** An object stands under the name. */
  taken: { names: ['PreconditionFailed'], status: 412 },
  beyondEnd: { names: ['InvalidRange'], status: 416 },
} as const;

export function is(error: unknown, meaning: keyof typeof meanings): boolean {
  const { name, status } = sdkError(error);
  const { names, status: expected } = meanings[meaning];
  return name !== 'NoSuchBucket' && (status === expected || names.some((known) => known === name));
}

const throttled = new Set(['SlowDown', 'ServiceUnavailable', 'RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'TooManyRequests']);

/** @param what names the call */
export function failureOf(error: unknown, what: string): StoreFailure {
  if (error instanceof StoreFailure) return error;
  const { name, message, status, neverSent } = sdkError(error);
  const told = `${what} failed: ${name}: ${message}`;
  if (throttled.has(name) || status === 429 || status === 503) return new StoreFailure('throttled', 'none', told, error);
  // Another creation of the same name is under way.
  if (status === 409) return new StoreFailure('conflict', 'none', told, error);
  if (name === 'NoSuchBucket') return new StoreFailure('unavailable', 'none', `${told}; create the bucket (docs/AWS.md), or name another one`, error);
  return new StoreFailure('unavailable', (status >= 400 && status < 500) || neverSent ? 'none' : 'unknown', told, error);
}
