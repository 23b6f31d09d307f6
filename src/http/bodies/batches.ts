// Stored record batches as the body of an answer: views of the payloads that hold them, nothing copied.

import type { BatchHeader } from '../../record/batch-header.ts';

/** Batches that stand side by side in one payload make one view. */
export function viewBatches(batches: readonly BatchHeader[]): Uint8Array[] {
  const views: Uint8Array[] = [];
  let first: BatchHeader | undefined;
  let end = 0;
  for (const batch of batches) {
    if (first !== undefined && (batch.bytes !== first.bytes || batch.start !== end)) {
      views.push(first.bytes.subarray(first.start, end));
      first = undefined;
    }
    first ??= batch;
    end = batch.start + batch.length;
  }
  if (first !== undefined) views.push(first.bytes.subarray(first.start, end));
  return views;
}
