// I5 and I6 of producers, against the logs as they were read in the end: each batch that was told to stand does, whole and
// once; batches stand in the order of their epochs and sequences; and none stands without all before it of its epoch.

import type { Finding, Recorder, SequencedBatch } from '../recorder.ts';

/** @param logs the texts of each partition by offset */
export function checkOnce({ batches }: Recorder, logs: ReadonlyMap<string, readonly string[]>): Finding[] {
  const findings: Finding[] = [];
  const report = (rule: string, { partition, producer, epoch, sequence }: SequencedBatch, what: string): void =>
    void findings.push({ rule, detail: `${partition}: ${producer}, epoch ${epoch}, sequence ${sequence}: ${what}` });
  for (const [partition, log] of logs) {
    const offsets = new Map<string, number[]>();
    for (const [offset, text] of log.entries()) offsets.set(text, [...(offsets.get(text) ?? []), offset]);
    const last = new Map<string, { readonly batch: SequencedBatch; readonly offset: number | undefined }>();
    for (const batch of batches.filter((one) => one.partition === partition)) {
      const places = batch.texts.map((text) => offsets.get(text) ?? []);
      if (places.some((found) => found.length > 1)) report('I5', batch, `stands more than once: ${JSON.stringify(places)}`);
      const offset = places[0]?.[0];
      if (batch.stands && places.some((found) => found.length === 0)) report('I3', batch, 'was told to stand, and does not');
      if (offset === undefined) {
        last.set(batch.producer, { batch, offset });
        continue;
      }
      const before = last.get(batch.producer);
      if (before !== undefined && before.offset === undefined && before.batch.epoch === batch.epoch) report('I6', batch, `stands, and sequence ${before.batch.sequence} before it does not`);
      if (before?.offset !== undefined && before.offset > offset)
        report('I6', batch, `stands at ${offset}, before sequence ${before.batch.sequence} of epoch ${before.batch.epoch} at ${before.offset}`);
      last.set(batch.producer, { batch, offset });
    }
  }
  return findings;
}
