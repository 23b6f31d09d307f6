// Reads a topic back from its start to its end and compares it with the file: every row once, byte for byte, and
// the rows of each key in the order of the file.

import { createHash } from 'node:crypto';
import { fetchPage, type Topic, untilAnswered } from './api.ts';
import type { Flight } from './flights.ts';

/** Differences in plain words, at most ten; none means that topic and file are the same. */
export async function compareWithFile(topic: Topic, flights: readonly Flight[], onRead: (rows: number) => void): Promise<{ differences: string[]; digest: string }> {
  const values = new Array<string | undefined>(flights.length);
  const differences: string[] = [];
  const differs = (what: string) => {
    if (differences.length < 10) differences.push(what);
  };
  let count = 0;
  const readPartition = async (partition: number) => {
    const newestRow = new Map<string, number>();
    for (let offset = 0, endOffset = Number.POSITIVE_INFINITY; offset < endOffset; ) {
      const page = await untilAnswered(() => fetchPage(topic, partition, offset));
      for (const { key, value, offset: found } of page.records) {
        const { row } = value;
        if (values[row] !== undefined) differs(`row ${row} stands twice, the second time at offset ${found} of partition ${partition}`);
        if (row <= (newestRow.get(key) ?? -1)) differs(`${key}: row ${row} stands behind row ${newestRow.get(key)}, at offset ${found} of partition ${partition}`);
        if (key !== flights[row]?.origin) differs(`row ${row} has the key ${key}; in the file its origin is ${flights[row]?.origin}`);
        newestRow.set(key, row);
        // What was sent is what JSON.stringify makes, so parsing it and writing it again gives the same text.
        values[row] = JSON.stringify(value);
      }
      count += page.records.length;
      onRead(page.records.length);
      offset = page.nextOffset;
      endOffset = page.endOffset;
    }
  };
  await Promise.all(Array.from({ length: topic.partitions }, (_, partition) => readPartition(partition)));
  if (count !== flights.length) differs(`${count} records were read; the file has ${flights.length} rows`);
  const missing = flights.filter(({ row }) => values[row] === undefined);
  if (missing.length > 0) differs(`${missing.length} rows are missing, the first of them row ${missing[0]?.row}`);
  const digest = digestOf(values);
  const expected = digestOf(flights.map(({ value }) => value));
  if (digest !== expected) differs(`the digest of what was read is ${digest}; that of the file is ${expected}`);
  return { differences, digest };
}

function digestOf(values: readonly (string | undefined)[]): string {
  const hash = createHash('sha256');
  for (const value of values) hash.update(`${value}\n`);
  return hash.digest('hex');
}
