// Random records, and batches of them whose header is known, for the peers and the mutations alike.

import type { Header, RecordData } from '../../src/record/batch-records.ts';
import type { SeededRandom } from '../support/random.ts';

const day = 86_400_000;
const baseTimestamp = 1_700_000_000_000;
/** Later than every timestamp below. */
export const now = baseTimestamp + 400 * day;

/** Bytes that compress somewhat: runs of one letter among random ones. */
function randomBytes(random: SeededRandom, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const run = Math.min(length - at, random.between(1, random.chance(0.3) ? 200 : 4));
    bytes.fill(random.between(0, 255), at, at + run);
    at += run;
  }
  return bytes;
}

const names = ['trace-id', 'x', 'content-type', 'größe', '', 'a-rather-long-header-name-that-needs-a-second-byte-of-length-because-it-goes-on'];

function randomHeaders(random: SeededRandom, nullValues: boolean): Header[] {
  if (random.chance(0.6)) return [];
  return Array.from({ length: random.between(1, 5) }, () => [Buffer.from(random.pick(names)), nullValues && random.chance(0.2) ? null : randomBytes(random, random.between(0, 40))]);
}

const lengths = [0, 1, 10, 63, 64, 200, 1000, 8191, 8192, 70_000];

/** @param maxSpreadMs between the timestamps of two records */
export function randomRecords(random: SeededRandom, { maxCount = 60, maxLength = 70_000, nullHeaders = true, maxSpreadMs = 300 * day } = {}): RecordData[] {
  const small = random.chance(0.5);
  const length = () => random.pick(lengths.filter((known) => known <= (small ? Math.min(maxLength, 200) : maxLength)));
  const spread = random.pick([0, 5, 100_000, maxSpreadMs]);
  return Array.from({ length: random.chance(0.3) ? 1 : random.between(1, maxCount) }, () => ({
    timestamp: baseTimestamp + random.between(0, spread),
    key: random.chance(0.3) ? null : randomBytes(random, random.between(0, 40)),
    value: random.chance(0.15) ? null : randomBytes(random, length()),
    headers: randomHeaders(random, nullHeaders),
  }));
}
