// Readers of server-sent events that are cut off at random moments and come back with the last id they have seen, while
// producers go on: each record is seen exactly once, in order within its partition.

import { openEvents } from '../support/events.ts';
import { type SeededRandom, seededRandom } from '../support/random.ts';
import { createTopic, type Run } from './run.ts';

const partitions = 3;

type Seen = { readonly partition: number; readonly offset: number; readonly value: number };

export async function cutReaders(run: Run): Promise<void> {
  const path = await createTopic(run, 'cut', partitions);
  const random = seededRandom(run.seed);
  let producing = true;
  let sent = 0;
  const producer = (async () => {
    while (producing) {
      const records = Array.from({ length: random.between(1, 20) }, () => ({ value: sent++, partition: random.between(0, partitions - 1) }));
      const response = await fetch(`${run.server.url}${path}/records`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ records }) });
      if (!response.ok) throw new Error(await response.text());
    }
  })();
  const ofOne = follow(run, path, '/partitions/0/records', random.fork('one partition'));
  const ofAll = follow(run, path, '/records', random.fork('all partitions'));
  await Promise.all([ofOne.cut, ofAll.cut]);
  producing = false;
  await producer;
  const ends = ((await (await fetch(`${run.server.url}${path}/offsets`)).json()) as { offsets: { offset: number }[] }).offsets.map(({ offset }) => offset);
  const [one, all] = [await ofOne.until([ends[0] ?? 0]), await ofAll.until(ends)];
  run.check(`a reader of one partition that is cut off ${run.cuts} times sees each record once`, problemsOf(one, [ends[0] ?? 0]));
  run.check(`a reader of all partitions that is cut off ${run.cuts} times sees each record once`, problemsOf(all, ends));
  console.log(`       ${sent.toLocaleString('en')} records were produced meanwhile`);
}

/** `cut` resolves when the reader was cut off as often as it should be; `until` answers what it saw up to these offsets. */
function follow(run: Run, topic: string, path: string, random: SeededRandom) {
  const seen: Seen[] = [];
  let goal: readonly number[] | undefined;
  let cuts = 0;
  let allCut = (): void => {};
  const cut = new Promise<void>((resolve) => {
    allCut = resolve;
  });
  const counts = new Array<number>(partitions).fill(0);
  const isThere = (): boolean => goal?.every((end, partition) => (counts[partition] ?? 0) >= end) ?? false;

  const reading = (async () => {
    let last: string | undefined;
    for (;;) {
      const events = await openEvents(`${run.server.url}${topic}${path}?from=earliest&limit=${random.between(1, 50)}`, last);
      // Cut off after so many events, sometimes in the middle of one, sometimes before any came.
      const after = cuts < run.cuts ? random.between(0, 5) : Number.POSITIVE_INFINITY;
      const abrupt = random.chance(0.5);
      try {
        for (let taken = 0; taken < after; taken++) {
          if (isThere()) return;
          const event = await events.next();
          const { records } = JSON.parse(event.data) as { records: Seen[] };
          for (const record of records) {
            const due = counts[record.partition] ?? 0;
            seen.push(record);
            // It is judged in the end.
            if (record.offset !== due) return;
            counts[record.partition] = due + 1;
          }
          last = event.id;
        }
        if (abrupt) void events.next().catch(() => {});
      } finally {
        events.close();
      }
      cuts++;
      if (cuts === run.cuts) allCut();
    }
  })();
  return {
    cut: Promise.race([cut, reading]),
    async until(ends: readonly number[]): Promise<readonly Seen[]> {
      goal = ends;
      // One more record, so that whoever waits looks again.
      await fetch(`${run.server.url}${topic}/partitions/0/records`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"records":[{"value":-1}]}',
      });
      await reading;
      return seen;
    },
  };
}

function problemsOf(seen: readonly Seen[], ends: readonly number[]): string[] {
  return ends.flatMap((end, partition) => {
    const offsets = seen.filter((one) => one.partition === partition).map(({ offset }) => offset);
    const wrong = offsets.findIndex((offset, i) => offset !== i);
    if (wrong >= 0) return [`partition ${partition}: offset ${offsets[wrong]} where ${wrong} was due`];
    return offsets.length < end ? [`partition ${partition}: ${offsets.length} records of ${end}`] : [];
  });
}
