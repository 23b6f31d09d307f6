// Stored record batches as the body of an answer: whole batches, copied once into one buffer, with their true base
// offsets in the copy. What is stored stays as it is.

import type { StoredBatch } from '../../broker/read-log.ts';
import { stampOffset } from '../../record/batch-header.ts';

export function writeBatches(batches: readonly StoredBatch[]): Uint8Array {
  const body = Buffer.allocUnsafeSlow(batches.reduce((sum, { header }) => sum + header.length, 0));
  let at = 0;
  for (const { header, baseOffset } of batches) {
    body.set(header.bytes.subarray(header.start, header.start + header.length), at);
    stampOffset(body, at, baseOffset);
    at += header.length;
  }
  return body;
}
