// The checker is what the simulator and the crash test rest on, so it is tested itself: for each promise a small
// history that breaks it and nothing else must be found, and histories that break none must pass.

import { describe, expect, test } from 'vitest';
import { checkHistory } from './check-history.ts';
import type { AppendEvent, AppendOutcome, HistoryEvent, ReadEvent } from './history.ts';
import { seededRandom } from './random.ts';

const at = (base: number, count = 1): AppendOutcome => ({ result: 'acknowledged', offsets: Array.from({ length: count }, (_, i) => base + i) });
const unknown: AppendOutcome = { result: 'unknown', code: 'connection_lost' };
const refused: AppendOutcome = { result: 'refused', code: 'partition_busy' };
const mismatch = (endOffset: number): AppendOutcome => ({ result: 'refused', code: 'offset_mismatch', endOffset });

const append = (began: number, ended: number, texts: string, outcome: AppendOutcome, more: Partial<AppendEvent> = {}): AppendEvent => ({
  kind: 'append',
  client: 'producer',
  partition: 't/0',
  records: texts.split(' '),
  began,
  ended,
  outcome,
  ...more,
});

/** A read that got these texts from offset `from` on, and an end right behind them. */
const read = (began: number, ended: number, from: number, texts: string, more: Partial<ReadEvent> = {}): ReadEvent => {
  const records = texts
    .split(' ')
    .filter(Boolean)
    .map((text, i) => ({ offset: from + i, text }));
  const nextOffset = from + records.length;
  return {
    ...{ kind: 'read', client: 'reader', session: `s${began}`, partition: 't/0', from, records },
    ...{ nextOffset, startOffset: 0, endOffset: nextOffset, began, ended },
    ...more,
  };
};

const found = (...events: HistoryEvent[]) => [...new Set(checkHistory(events).map((violation) => violation.invariant))].join(' ');
const foundAtEnd = (endOffset: number, ...events: HistoryEvent[]) => {
  const final = new Map([['t/0', { startOffset: 0, endOffset }]]);
  return [...new Set(checkHistory(events, { final }).map((violation) => violation.invariant))].join(' ');
};

describe('a history that keeps all promises passes', () => {
  test('acknowledged, refused and unknown appends, two sessions, two partitions', () => {
    const events = [
      append(1, 4, 'a b', at(0, 2)),
      append(2, 6, 'c', at(2), { client: 'other' }),
      append(3, 5, 'x', at(0), { partition: 't/1' }),
      append(7, 10, 'd', refused),
      append(11, 20, 'e f', unknown),
      append(21, 24, 'g', mismatch(5), { expectedOffset: 3 }),
      append(25, 28, 'h', at(5), { expectedOffset: 5 }),
      append(29, 31, 'lost', unknown),
      read(8, 9, 0, 'a b c', { session: 'one' }),
      read(12, 30, 3, 'e f h', { session: 'one' }),
      read(32, 33, 1, 'b c e f', { session: 'two', endOffset: 6 }),
      read(34, 35, 0, 'x', { partition: 't/1' }),
    ];
    expect(
      checkHistory(events, {
        final: new Map([
          ['t/0', { startOffset: 0, endOffset: 6 }],
          ['t/1', { startOffset: 0, endOffset: 1 }],
        ]),
      }),
    ).toEqual([]);
  });

  test('an unknown append may land behind what its client sent later', () => {
    expect(found(append(1, 2, 'a', unknown), append(3, 4, 'b', at(0)), read(5, 6, 0, 'b a'))).toBe('');
  });

  test('reads that overlap in time may be told different ends', () => {
    expect(found(append(1, 9, 'a', at(0)), read(2, 5, 0, 'a'), read(3, 6, 0, ''))).toBe('');
  });

  test('a log may start beyond 0, and what lies before its start need not be read', () => {
    const final = new Map([['t/0', { startOffset: 1, endOffset: 2 }]]);
    expect(checkHistory([append(1, 2, 'a b', at(0, 2)), read(3, 4, 1, 'b', { startOffset: 1 })], { final })).toEqual([]);
  });
});

describe('I1: offsets are dense', () => {
  test('an acknowledgement with a hole', () => expect(found(append(1, 2, 'a b', { result: 'acknowledged', offsets: [0, 2] }))).toBe('I1'));
  test('an acknowledgement out of order', () => expect(found(append(1, 2, 'a b', { result: 'acknowledged', offsets: [1, 0] }))).toBe('I1'));
  test('an acknowledgement of fewer records', () => expect(found(append(1, 2, 'a b', at(0)))).toBe('I1'));
  test('one offset given twice', () => expect(found(append(1, 4, 'a', at(0)), append(2, 3, 'b', at(0), { client: 'other' }))).toBe('I1'));
  test('a page with a hole', () => {
    const records = [
      { offset: 0, text: 'a' },
      { offset: 2, text: 'c' },
    ];
    expect(found(append(1, 2, 'a b c', at(0, 3)), read(3, 4, 0, '', { records, nextOffset: 3, endOffset: 3 }))).toBe('I1');
  });
  test('a page that repeats an offset', () => {
    const records = [
      { offset: 0, text: 'a' },
      { offset: 0, text: 'a' },
    ];
    expect(found(append(1, 2, 'a', at(0)), read(3, 4, 0, '', { records, nextOffset: 1, endOffset: 1 }))).toBe('I1');
  });
  test('a page that starts later than asked', () => expect(found(append(1, 2, 'a b', at(0, 2)), read(3, 4, 1, 'b', { from: 0 }))).toBe('I1'));
  test('a next offset beyond the records', () => expect(found(append(1, 2, 'a b', at(0, 2)), read(3, 4, 0, 'a', { nextOffset: 2, endOffset: 2 }))).toBe('I1'));
  test('one text at two offsets', () => expect(found(append(1, 2, 'a', at(0)), append(3, 4, 'b', unknown), read(5, 6, 0, 'a a'))).toBe('I1'));
  test('an offset that nobody could read in the end', () => expect(foundAtEnd(2, append(1, 2, 'a', at(0)), append(3, 4, 'b', unknown), read(5, 6, 0, 'a', { endOffset: 2 }))).toBe('I1'));
  test('an append that takes offsets below a known end', () => expect(found(append(1, 2, 'a', unknown), read(3, 4, 0, '', { endOffset: 1 }), append(5, 6, 'b', at(0)))).toBe('I1'));
});

describe('I1: an expected offset is met exactly', () => {
  test('acknowledged elsewhere', () => expect(found(append(1, 2, 'a', at(3), { expectedOffset: 2 }))).toBe('I1'));
  test('unknown, and stands elsewhere', () => expect(found(append(1, 2, 'a', unknown, { expectedOffset: 1 }), read(3, 4, 0, 'a'))).toBe('I1'));
  test('refused although the end is the expected one', () => expect(found(append(1, 2, 'a', mismatch(2), { expectedOffset: 2 }))).toBe('I1'));
  test('refused with an end below one known before', () => expect(found(append(0, 1, 'a', at(0)), append(2, 3, 'b', at(1)), append(4, 5, 'c', mismatch(1), { expectedOffset: 0 }))).toBe('I1'));
  test('refused with an end above one told later', () => expect(found(append(1, 2, 'c', mismatch(7), { expectedOffset: 0 }), read(3, 4, 0, '', { endOffset: 6 }))).toBe('I7'));
});

describe('I2: what was read stays', () => {
  test('two readers get different texts at one offset', () => {
    expect(found(append(1, 2, 'a', unknown), append(3, 4, 'b', unknown), read(5, 6, 0, 'a'), read(7, 8, 0, 'b'))).toContain('I2');
  });
  test('what was read is gone in the end', () => expect(foundAtEnd(0, append(1, 2, 'a', unknown), read(3, 4, 0, 'a'))).toBe('I4 I2'));
});

describe('I3: acknowledged means durable', () => {
  test('another text stands at its offset', () => expect(found(append(1, 3, 'a', at(0)), append(2, 4, 'b', unknown, { client: 'other' }), read(5, 6, 0, 'b'))).toBe('I3'));
  test('a later read is told an end that excludes it', () => expect(found(append(1, 2, 'a', at(0)), read(3, 4, 0, ''))).toBe('I3'));
  test('nobody could read it in the end', () => expect(foundAtEnd(1, append(1, 2, 'a', at(0)))).toBe('I3'));
  test('it lies beyond the end of the log', () => expect(foundAtEnd(0, append(1, 2, 'a', at(0)))).toBe('I3'));
  test('its whole partition is empty in the end', () => expect(foundAtEnd(0, append(1, 2, 'a b', at(0, 2)), read(0, 1, 0, ''))).toBe('I3'));
});

describe('I4: refused means absent, unknown means whole or not at all', () => {
  test('a refused text is read', () => expect(found(append(1, 2, 'a', refused), read(3, 4, 0, 'a'))).toBe('I4'));
  test('a text that nobody sent', () => expect(found(read(3, 4, 0, 'z'))).toBe('I4'));
  test('a text that was sent to another partition', () => expect(found(append(1, 2, 'a', unknown, { partition: 't/1' }), read(3, 4, 0, 'a'))).toBe('I4'));
  test('a part of an unknown append, followed by another', () => {
    expect(found(append(1, 2, 'a b', unknown), append(3, 4, 'c', at(1)), read(5, 6, 0, 'a c'))).toBe('I4');
  });
  test('the second part of an unknown append only', () => expect(found(append(1, 2, 'a b', unknown), read(3, 4, 0, 'b'))).toBe('I4'));
  test('a part of an unknown append, at the end of the log', () => expect(foundAtEnd(1, append(1, 2, 'a b', unknown), read(3, 4, 0, 'a'))).toBe('I4'));
  test('an unknown append twice', () => expect(found(append(1, 2, 'a', unknown), read(3, 4, 0, 'a a'))).toBe('I4'));
  test('an unknown append in another order', () => expect(found(append(1, 2, 'a b', unknown), read(3, 4, 0, 'b a'))).toBe('I4'));
  test('an end told in the middle of an append', () => expect(found(append(1, 9, 'a b', at(0, 2)), read(3, 4, 0, 'a'))).toBe('I4'));
});

describe('I6: order of one client', () => {
  test('acknowledged below its earlier one', () => expect(found(append(1, 2, 'a', at(1)), append(3, 4, 'b', at(0)))).toContain('I6'));
  test('an unknown one below an earlier acknowledged one', () => {
    expect(found(append(0, 5, 'x', unknown, { client: 'other' }), append(1, 2, 'a', at(1)), append(3, 4, 'b', unknown), read(6, 7, 0, 'b a'))).toContain('I6');
  });
});

describe('I7: reads only go forward', () => {
  const log = append(0, 1, 'a b c', at(0, 3));
  test('a session skips', () => expect(found(log, read(2, 3, 0, 'a', { session: 's', endOffset: 3 }), read(4, 5, 2, 'c', { session: 's' }))).toBe('I7'));
  test('a session sees a record again', () => expect(found(log, read(2, 3, 0, 'a b', { session: 's', endOffset: 3 }), read(4, 5, 1, 'b c', { session: 's' }))).toBe('I7'));
  test('the end falls within a session', () => {
    expect(found(read(2, 3, 0, '', { session: 's', endOffset: 9 }), read(3, 5, 0, '', { session: 's', endOffset: 8 }))).toBe('I7');
  });
  test('the end falls from one reader to a later one', () => expect(found(read(2, 3, 0, '', { endOffset: 9 }), read(4, 5, 0, '', { endOffset: 8 }))).toBe('I7'));
  test('the next offset lies beyond the end', () => expect(found(append(1, 9, 'a', at(0)), read(2, 3, 0, 'a', { endOffset: 0 }))).toBe('I7'));
  test('the next offset goes back', () => expect(found(read(2, 3, 5, '', { nextOffset: 4, endOffset: 5 }))).toContain('I7'));
});

describe('histories of a right log, made at random with requests that overlap and land late', () => {
  test('pass', () => {
    for (let seed = 0; seed < 300; seed++) {
      const { events, final } = randomHistory(seed);
      expect(checkHistory(events, { final }), `seed ${seed}`).toEqual([]);
    }
  });

  test('fail once an acknowledged record is taken out of the log', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { events, final } = randomHistory(seed);
      const victim = events.find((event) => event.kind === 'append' && event.outcome.result === 'acknowledged');
      if (victim?.kind !== 'append') continue;
      const without = events.map((event) => (event.kind === 'read' ? { ...event, records: event.records.filter(({ text }) => text !== victim.records[0]) } : event));
      expect(
        checkHistory(without, { final }).map(({ invariant }) => invariant),
        `seed ${seed}`,
      ).toContain('I3');
    }
  });
});

/** Clients begin, take effect and end in any order; the log itself is an array. An unknown append may take effect long after its end. */
function randomHistory(seed: number) {
  const random = seededRandom(seed);
  const log: string[] = [];
  const events: HistoryEvent[] = [];
  let moment = 0;
  let texts = 0;
  const late: string[][] = [];
  const sessions = ['s1', 's2'].map((session) => ({ session, next: 0 }));
  const steps: (() => void)[] = [];
  let closing = false;
  const startAppend = (client: string) => {
    if (closing) return;
    const event = append(++moment, 0, Array.from({ length: random.between(1, 4) }, () => `text${texts++}`).join(' '), unknown, { client });
    const expected = random.chance(0.3) ? { expectedOffset: Math.max(0, log.length - random.between(0, 1)) } : {};
    let outcome: AppendOutcome = unknown;
    const takeEffect = () => {
      if (expected.expectedOffset !== undefined && expected.expectedOffset !== log.length) outcome = mismatch(log.length);
      else if (random.chance(0.1)) outcome = refused;
      else outcome = at(log.push(...event.records) - event.records.length, event.records.length);
      steps.push(end);
    };
    const end = () => {
      const lost = random.chance(0.2);
      events.push({ ...event, ...expected, ended: ++moment, outcome: lost ? unknown : outcome });
      steps.push(() => startAppend(client));
    };
    const giveUp = () => {
      events.push({ ...event, ended: ++moment, outcome: unknown });
      if (random.chance(0.5)) late.push([...event.records]);
      steps.push(() => startAppend(client));
    };
    steps.push(random.chance(0.2) ? giveUp : takeEffect);
  };
  const startRead = (session: { session: string; next: number }) => {
    if (closing) return;
    const began = ++moment;
    const look = () => {
      const page = { from: session.next, texts: log.slice(session.next, session.next + random.between(0, 5)), endOffset: log.length };
      steps.push(() => {
        events.push(read(began, ++moment, page.from, page.texts.join(' '), { session: session.session, endOffset: page.endOffset }));
        session.next += page.texts.length;
        steps.push(() => startRead(session));
      });
    };
    steps.push(look);
  };
  for (const client of ['c1', 'c2', 'c3']) startAppend(client);
  for (const session of sessions) startRead(session);
  for (let i = 0; steps.length > 0; i++) {
    closing = i > 200;
    if (late.length > 0 && random.chance(0.1)) log.push(...(late.pop() ?? []));
    steps.splice(random.between(0, steps.length - 1), 1)[0]?.();
  }
  events.push(read(++moment, ++moment, 0, log.join(' '), { session: 'final' }));
  return { events, final: new Map([['t/0', { startOffset: 0, endOffset: log.length }]]) };
}

test('a malformed history is refused: texts must be unique', () => {
  expect(() => checkHistory([append(1, 2, 'a', at(0)), append(3, 4, 'a', at(1))])).toThrow('sent twice');
});

test('a million records are judged in seconds', () => {
  const events: HistoryEvent[] = [];
  for (let i = 0; i < 10_000; i++) {
    const texts = Array.from({ length: 100 }, (_, j) => `text ${i} ${j}`).join('|');
    events.push({ ...append(4 * i, 4 * i + 1, '', at(i * 100, 100)), records: texts.split('|') });
    events.push({
      ...read(4 * i + 2, 4 * i + 3, i * 100, ''),
      session: 's',
      records: texts.split('|').map((text, j) => ({ offset: i * 100 + j, text })),
      nextOffset: (i + 1) * 100,
      endOffset: (i + 1) * 100,
    });
  }
  const started = performance.now();
  expect(checkHistory(events)).toEqual([]);
  expect(performance.now() - started).toBeLessThan(20_000);
});
