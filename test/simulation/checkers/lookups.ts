// Look-ups by time, against the log as it was read in the end: everything before the answer is older than the
// time asked for, and the answer itself is not, or was the end of the log.

import type { Finding, Recorder } from '../recorder.ts';

/** @param logs the texts of each partition by offset */
export function checkLookUps({ lookUps, timestamps }: Recorder, logs: ReadonlyMap<string, readonly string[]>): Finding[] {
  const findings: Finding[] = [];
  for (const { partition, timestamp, offset, endOffset } of lookUps) {
    const log = logs.get(partition);
    if (log === undefined) continue;
    const timeAt = (at: number): number => timestamps.get(log[at] ?? '') ?? Number.NaN;
    const asked = `${partition}: the first record at or after ${timestamp} was told to be at ${offset} of ${endOffset}`;
    for (let before = 0; before < offset; before++) {
      if (timeAt(before) >= timestamp) {
        findings.push({ rule: 'look-up by time', detail: `${asked}, but ${before} is of ${timeAt(before)}` });
        break;
      }
    }
    if (offset < endOffset && !(timeAt(offset) >= timestamp)) findings.push({ rule: 'look-up by time', detail: `${asked}, but that is of ${timeAt(offset)}` });
  }
  return findings;
}
