// The data of the example: real flights from a Parquet file, as records with a key (the airport of origin) and a
// value (a JSON object that carries the row's number), and the partition that each key belongs to.

import { fileURLToPath } from 'node:url';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** `value` is the text that is sent, byte for byte, and that must come back. */
export type Flight = { readonly row: number; readonly origin: string; readonly value: string };

const file = fileURLToPath(new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url));

/** The first `count` rows of the file, in its order. */
export async function readFlights(count: number): Promise<Flight[]> {
  const buffer = await asyncBufferFromFile(file);
  const { num_rows: available } = await parquetMetadataAsync(buffer);
  const rowEnd = Math.min(count, Number(available));
  const rows = await parquetReadObjects({ file: buffer, compressors, rowStart: 0, rowEnd });
  return rows.map(({ date, delay, distance, origin, destination }, row) => ({
    row,
    origin: String(origin),
    value: JSON.stringify({ row, date, delay: Number(delay), distance: Number(distance), origin, destination }),
  }));
}

/**
 * The partition of a key, as the server and Kafka's clients place it: murmur2 of its UTF-8 bytes, without the sign
 * bit, modulo the number of partitions. This program computes it itself so that it can keep one pipeline for each
 * partition; who does not need that posts to `/v1/topics/{topic}/records` and lets the server place the records.
 */
export function partitionOf(key: string, partitions: number): number {
  const bytes = Buffer.from(key);
  const m = 0x5bd1e995;
  let hash = 0x9747b28c ^ bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    const k = Math.imul(bytes.readInt32LE(at), m);
    hash = Math.imul(hash, m) ^ Math.imul(k ^ (k >>> 24), m);
  }
  const rest = bytes.length - at;
  if (rest > 0) hash = Math.imul(hash ^ bytes.readUIntLE(at, rest), m);
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return ((hash ^ (hash >>> 15)) & 0x7fffffff) % partitions;
}
