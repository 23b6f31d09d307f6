import { expect, it } from 'vitest';
import type { AppendEvent, AppendOutcome, HistoryEvent, ReadEvent } from './history.ts';
import { checkLinearizable } from './linearizable.ts';
import { seededRandom } from './random.ts';

const append = (text: string, began: number, ended: number, outcome: AppendOutcome, expectedOffset?: number): AppendEvent => ({
  kind: 'append',
  client: text,
  partition: 'p',
  records: [text],
  began,
  ended,
  outcome,
  ...(expectedOffset === undefined ? {} : { expectedOffset }),
});
const at = (offset: number): AppendOutcome => ({ result: 'acknowledged', offsets: [offset] });
const unknown: AppendOutcome = { result: 'unknown', code: 'lost' };
const read = (began: number, ended: number, texts: readonly string[], endOffset = texts.length): ReadEvent => ({
  kind: 'read',
  client: 'reader',
  session: `${began}`,
  partition: 'p',
  from: 0,
  records: texts.map((text, offset) => ({ offset, text })),
  nextOffset: texts.length,
  startOffset: 0,
  endOffset,
  began,
  ended,
});
const verdict = (...events: HistoryEvent[]) => checkLinearizable(events).get('p')?.verdict;

it('appends and reads one after another, and at once', () => {
  expect(verdict(append('a', 1, 2, at(0)), append('b', 3, 4, at(1)), read(5, 6, ['a', 'b']))).toBe('linearizable');
  expect(verdict(append('a', 1, 10, at(1)), append('b', 2, 9, at(0)), read(3, 8, []), read(11, 12, ['b', 'a']))).toBe('linearizable');
});

it('a read that is told an end older than one that was known before it', () => {
  expect(verdict(append('a', 1, 2, at(0)), read(3, 4, []))).toBe('not linearizable');
});

it('an acknowledgement that is not there, and one that is there twice', () => {
  expect(verdict(append('a', 1, 2, at(0)), append('b', 3, 4, at(0)), read(5, 6, ['a']))).toBe('not linearizable');
  expect(verdict(append('a', 1, 2, at(0)), read(5, 6, ['a', 'a']))).toBe('not linearizable');
});

it('an append that stands before one that had ended when it began', () => {
  expect(verdict(append('a', 1, 2, at(1)), append('b', 3, 4, at(0)), read(5, 6, ['b', 'a']))).toBe('not linearizable');
});

it('an unknown append that comes late, or never, but not before it began', () => {
  expect(verdict(append('a', 1, 2, unknown), read(3, 4, []), read(5, 6, ['a']))).toBe('linearizable');
  expect(verdict(append('a', 1, 2, unknown), read(3, 4, []))).toBe('linearizable');
  expect(verdict(read(1, 2, ['a']), append('a', 3, 4, unknown))).toBe('not linearizable');
});

it('an unknown append that two readers see at different times, once gone again', () => {
  expect(verdict(append('a', 1, 2, unknown), read(3, 4, ['a']), read(5, 6, []))).toBe('not linearizable');
});

it('a refused expected offset: true at some instant of the request, or not', () => {
  const refused = (endOffset: number): AppendOutcome => ({ result: 'refused', code: 'offset_mismatch', endOffset });
  expect(verdict(append('a', 1, 2, at(0)), append('x', 3, 4, refused(1), 0), read(5, 6, ['a']))).toBe('linearizable');
  expect(verdict(append('a', 1, 2, at(0)), append('x', 3, 4, refused(0), 5), read(5, 6, ['a']))).toBe('not linearizable');
  expect(verdict(append('x', 1, 2, refused(0), 0))).toBe('not linearizable');
});

it('what was refused and is read all the same', () => {
  expect(verdict(append('a', 1, 2, { result: 'refused', code: 'full' }), read(3, 4, ['a']))).toBe('not linearizable');
});

it('agrees with the trial of all orders, on small histories drawn at random', () => {
  const random = seededRandom(7);
  const seen = { linearizable: 0, 'not linearizable': 0 };
  for (let i = 0; i < 3_000; i++) {
    const events = smallHistory(random.fork(`${i}`));
    const expected = existsOrder(events) ? 'linearizable' : 'not linearizable';
    expect(verdict(...events), JSON.stringify(events)).toBe(expected);
    seen[expected]++;
  }
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(300);
});

/** Up to five operations, and a read of everything; answers are right more often than not. */
function smallHistory(random: ReturnType<typeof seededRandom>): HistoryEvent[] {
  const count = random.between(2, 5);
  const moments = Array.from({ length: 2 * count }, (_, i) => i + 1);
  const order = moments.map((moment) => ({ moment, key: random.next() })).sort((a, b) => a.key - b.key);
  const log: string[] = [];
  const events = Array.from({ length: count }, (_, i): HistoryEvent => {
    const [began, ended] = [order[2 * i]?.moment ?? 0, order[2 * i + 1]?.moment ?? 0].sort((a, b) => a - b) as [number, number];
    if (random.chance(0.4)) return read(began, ended, log.slice(0, Math.max(0, log.length - (random.chance(0.3) ? 1 : 0))));
    const text = `t${i}`;
    const place = log.length;
    if (random.chance(0.85)) log.push(text);
    return append(text, began, ended, random.chance(0.2) ? unknown : at(random.chance(0.9) ? place : place + 1));
  });
  return [...events, read(100, 101, log)];
}

function existsOrder(events: readonly HistoryEvent[]): boolean {
  const place = (left: readonly HistoryEvent[], log: readonly string[]): boolean => {
    if (left.every((event) => event.kind === 'append' && event.outcome.result === 'unknown')) return true;
    const firstEnd = Math.min(...left.map((event) => (event.kind === 'append' && event.outcome.result === 'unknown' ? Number.POSITIVE_INFINITY : event.ended)));
    return left.some((event) => {
      if (event.began > firstEnd) return false;
      const others = left.filter((other) => other !== event);
      if (event.kind === 'read') return event.endOffset === log.length && event.records.every(({ offset, text }) => log[offset] === text) && place(others, log);
      const { outcome, records } = event;
      if (outcome.result === 'acknowledged' && outcome.offsets[0] !== log.length) return false;
      return place(others, [...log, ...records]);
    });
  };
  return place(events, []);
}
