// What a partition knows of idempotent producers: how a batch is judged by it, and when it may leave the head.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemBytes } from '../../src/adapters/metered/item-bytes.ts';
import { type Commit, type CommitEntry, leftOut, planAppend } from '../../src/log/append.ts';
import { applyWrite } from '../../src/log/apply-write.ts';
import { encodeTotals } from '../../src/log/format.ts';
import { newHead, parseHead } from '../../src/log/head.ts';
import { headKey, isKeyedProducer, keyedProducerName, producerName } from '../../src/log/keys.ts';
import { evictable, judgeBatch, leaving, type ProducerStates, parseSpilled, planEvict, planSpill } from '../../src/log/producers.ts';
import { isElected, planRotate } from '../../src/log/seal.ts';
import type { Item, Write } from '../../src/log/write.ts';

const key = headKey('t', 0);
const state = (lastSequence: number, count: number, more: { epoch?: number; commitOffset?: number; within?: number } = {}) => ({ epoch: 0, within: 0, commitOffset: 0, lastSequence, count, ...more });
const producer = (sequence: number, epoch = 0) => ({ name: 'p', epoch, sequence });

function apply(head: Item | undefined, write: Write): Item {
  const outcome = applyWrite(head, write);
  if (!outcome.applied || outcome.item === undefined) throw new Error('refused');
  return outcome.item;
}

const refused = (item: Item | undefined, write: Write) => !applyWrite(item, write).applied;

describe('a batch', () => {
  it.each([
    ['the first of all', undefined, producer(0), 3, { is: 'next' }],
    ['not the first, of a producer that nobody knows', undefined, producer(1), 1, { is: 'outOfOrder', expected: 0 }],
    ['the next', state(4, 5), producer(5), 2, { is: 'next' }],
    ['the newest again', state(4, 2, { commitOffset: 70, within: 7 }), producer(3), 2, { is: 'repeat', baseOffset: 77 }],
    ['an older one', state(4, 2), producer(0), 3, { is: 'older' }],
    ['a part of the newest', state(4, 5), producer(2), 1, { is: 'older' }],
    ['the end of the newest', state(4, 5), producer(3), 2, { is: 'older' }],
    ['a part that stands and one that does not', state(4, 5), producer(3), 4, { is: 'outOfOrder', expected: 5 }],
    ['after a gap', state(4, 5), producer(6), 1, { is: 'outOfOrder', expected: 5 }],
    ['of an old epoch, also if it were the next', state(4, 5, { epoch: 2 }), producer(5, 1), 1, { is: 'fenced', epoch: 2 }],
    ['of a new epoch', state(4, 5), producer(0, 1), 1, { is: 'next' }],
    ['of a new epoch that does not begin', state(4, 5), producer(5, 1), 1, { is: 'outOfOrder', expected: 0 }],
    ['the next beyond the last sequence', state(2 ** 31 - 1, 1), producer(0), 1, { is: 'next' }],
    ['the newest, which runs over the last sequence', state(1, 4, { commitOffset: 9 }), producer(2 ** 31 - 2), 4, { is: 'repeat', baseOffset: 9 }],
    ['one from before the last sequence', state(1, 4), producer(2 ** 31 - 5), 3, { is: 'older' }],
  ] as const)('I5, I6: %s', (_, known, batch, count, verdict) => {
    expect(judgeBatch(known, batch, count)).toEqual(verdict);
  });

  it('I5: whatever is sent, each sequence is taken once and in order, and what is told to stand does', () => {
    const counts = fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 4 })), { maxLength: 60 });
    fc.assert(
      fc.property(counts, (sent) => {
        const taken: number[] = [];
        let known: ReturnType<typeof state> | undefined;
        for (const [sequence, count] of sent) {
          const all = Array.from({ length: count }, (_, i) => sequence + i);
          const verdict = judgeBatch(known, producer(sequence), count);
          if (verdict.is === 'next') {
            known = state(sequence + count - 1, count, { commitOffset: taken.length });
            taken.push(...all);
          } else if (verdict.is === 'repeat') expect(taken.slice(verdict.baseOffset, verdict.baseOffset + count)).toEqual(all);
          else if (verdict.is === 'older') for (const one of all) expect(taken).toContain(one);
        }
        expect(taken).toEqual(taken.map((_, i) => i));
      }),
    );
  });
});

const entry = (position: number, count: number, more: Partial<CommitEntry> = {}): CommitEntry => ({ position, length: 10, count, maxTimestamp: 1, ...more });
const commitOf = (n: number, ...entries: CommitEntry[]): Commit => ({ head: key, id: new Uint8Array(16).fill(n), epoch: 1, inline: false, entries });

describe('in a commit', () => {
  it('several of one producer follow each other; one that is left out takes what follows it along', () => {
    const [a, b, c] = [entry(0, 2, { producer: producer(0) }), entry(10, 1, { producer: producer(2) }), entry(20, 1)] as const;
    expect(leftOut([a, b, c], 0, new Map())).toEqual([]);
    expect(leftOut([b, c], 0, new Map())).toMatchObject([{ entry: b, why: { is: 'outOfOrder' } }]);
    const known: ProducerStates = new Map([['p', { listed: true, state: state(2, 1) }]]);
    expect(leftOut([a, b, c], 0, known).map(({ entry: one, why }) => [one, why.is])).toEqual([
      [a, 'older'],
      [b, 'repeat'],
    ]);
  });

  it('whether it stands is asked before whether the end is the expected one', () => {
    const again = entry(0, 1, { producer: producer(0), expectedOffset: 5 });
    expect(leftOut([again], 6, new Map([['p', { listed: true, state: state(0, 1, { commitOffset: 5 }) }]]))).toMatchObject([{ why: { is: 'repeat', baseOffset: 5 } }]);
    expect(leftOut([again], 6, new Map())).toMatchObject([{ why: { is: 'mismatch', nextOffset: 6 } }]);
  });

  it('I5: the append is refused where the head lists another state than was found, and keeps the true offset whatever came between', () => {
    const first = commitOf(1, entry(0, 5, { producer: producer(0) }));
    const head = apply(newHead(1), planAppend(first, first.entries, 0, new Map()));
    expect(refused(head, planAppend({ ...first, id: new Uint8Array(16).fill(3) }, first.entries, 5, new Map()))).toBe(true);
    const known = parseHead(head).producers.get('p');
    expect(known).toMatchObject(state(4, 5));
    const other = commitOf(4, entry(0, 9));
    const later = apply(head, planAppend(other, other.entries, 5, new Map()));
    const next = commitOf(2, entry(0, 3), entry(10, 2, { producer: producer(5) }));
    const pinnedBefore = planAppend(next, next.entries, 5, new Map([['p', { listed: true, state: known }]]));
    expect(refused(newHead(1), pinnedBefore)).toBe(true);
    expect(parseHead(apply(later, pinnedBefore)).producers.get('p')).toMatchObject(state(6, 2, { commitOffset: 14, within: 3 }));
  });

  it('I5: a spilled state asks that the head lists none', () => {
    const next = commitOf(2, entry(0, 1, { producer: producer(5) }));
    const write = planAppend(next, next.entries, 0, new Map([['p', { listed: false, state: state(4, 5) }]]));
    expect(refused(newHead(1), write)).toBe(false);
    const listed = commitOf(1, entry(0, 5, { producer: producer(0) }));
    expect(refused(apply(newHead(1), planAppend(listed, listed.entries, 0, new Map())), write)).toBe(true);
  });
});

describe('a producer leaves the head', () => {
  const appended = commitOf(1, entry(0, 5, { producer: producer(0) }));
  const head = apply(newHead(1), planAppend(appended, appended.entries, 0, new Map()));
  const rotated = apply(head, planRotate(key, parseHead(head)));

  it('only when the head no longer lists its batch', () => {
    expect(evictable(parseHead(head), 0)).toEqual([]);
    expect(evictable(parseHead(rotated), 0)).toEqual([]);
    const leaving = evictable(parseHead(rotated), parseHead(rotated).currentBase);
    expect(leaving).toMatchObject([{ name: 'p', state: state(4, 5) }]);
    expect(refused(rotated, planEvict(key, leaving))).toBe(true);
    const gone = apply(rotated, planRotate(key, parseHead(rotated), leaving));
    expect(parseHead(gone)).toMatchObject({ windowBase: 5 });
    const kept = apply(rotated, planRotate(key, parseHead(rotated)));
    expect(parseHead(apply(kept, planEvict(key, leaving))).producers.all()).toEqual([]);
  });

  it('not when it has appended meanwhile', () => {
    const leaving = evictable(parseHead(rotated), 5);
    const next = commitOf(2, entry(0, 1, { producer: producer(5) }));
    const later = apply(rotated, planAppend(next, next.entries, 5, new Map([['p', { listed: true, state: state(4, 5) }]])));
    expect(refused(later, planRotate(key, parseHead(rotated), leaving))).toBe(true);
    expect(refused(later, planRotate(key, parseHead(rotated)))).toBe(false);
    expect(refused(apply(later, planRotate(key, parseHead(rotated))), planEvict(key, leaving))).toBe(true);
  });

  it('into an item that only goes forward, and lives for days', () => {
    const spill = (commitOffset: number, lastSequence: number) => planSpill('t', 0, { name: 'p', state: state(lastSequence, 1, { commitOffset, within: 2 }) }, 1_000_000);
    const item = apply(undefined, spill(10, 4));
    expect(parseSpilled('p', item)).toMatchObject(state(4, 1, { commitOffset: 10, within: 2 }));
    expect(item['ttl']).toBe(1000 + 7 * 86_400);
    expect(refused(item, spill(9, 3))).toBe(true);
    expect(refused(item, spill(10, 4))).toBe(true);
    expect(parseSpilled('p', apply(item, spill(11, 5)))).toMatchObject({ lastSequence: 5 });
  });
});

it('names: short ones for ids, and those of keys are none of these', () => {
  expect([0, 63, 64, 2 ** 53 - 1].map(producerName)).toEqual(['A', '_', 'BA', 'f________']);
  fc.assert(fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (one, other) => one === other || producerName(one) !== producerName(other)));
  const keyed = keyedProducerName(Uint8Array.from({ length: 32 }, (_, i) => i));
  expect([isKeyedProducer(keyed), isKeyedProducer(producerName(Number.MAX_SAFE_INTEGER))]).toEqual([true, false]);
});

it.each([
  ['small numbers', 0, 0, [8]],
  ['large numbers', 2_000_000_000_001, 1_000_001, [7, 8]],
])('a head with eight producers is rotated before it takes two write units: %s', (_, firstOffset, firstSequence, expected) => {
  const topicKey = headKey('t'.repeat(22), 100);
  let head: Item = { ...newHead(1), wb: firstOffset, cb: firstOffset, nx: firstOffset, g: firstSequence, cn: firstSequence, tl: encodeTotals({ maxTimestamp: 1, bytes: 1, refs: 1 }) };
  const sizes: number[] = [];
  let largest = 0;
  for (let n = 0; n < 80; n++) {
    const name = `producer${n % 8}`;
    const known = parseHead(head).producers.get(name);
    const commit = commitOf(n + 1, entry(0, 1, { producer: { name, epoch: 0, sequence: known === undefined ? firstSequence : known.lastSequence + 1 } }));
    head = apply(head, planAppend(commit, commit.entries, firstOffset + n, new Map([[name, { listed: known !== undefined, state: known }]])));
    largest = Math.max(largest, itemBytes(topicKey, head));
    if (!isElected(parseHead(head), { refs: 1, producers: 1 }, 1024)) continue;
    sizes.push(parseHead(head).current.length);
    head = apply(head, planRotate(key, parseHead(head)));
  }
  expect([...new Set(sizes)].sort()).toEqual(expected);
  expect(largest).toBeLessThanOrEqual(1024);
});

it('a producer that may come again stays in the head for a while, a key leaves at once, and of a crowd few stay', () => {
  const names = (head: Item) => leaving(parseHead(head), 64).map(({ name }) => name);
  const appendOf = (head: Item, n: number, name?: string) => {
    const { nextOffset } = parseHead(head);
    const commit = commitOf(n, entry(0, 1, name === undefined ? {} : { producer: { name, epoch: 0, sequence: 0 } }));
    return apply(head, planAppend(commit, commit.entries, nextOffset, new Map()));
  };
  const rotated = (head: Item) => apply(head, planRotate(key, parseHead(head)));
  let head = rotated(appendOf(appendOf(newHead(1), 1, 'p'), 2, 'k'.repeat(11)));
  expect(names(head)).toEqual(['k'.repeat(11)]);
  // What `current` lists is listed after the rotation, too.
  expect(names(appendOf(head, 3, 'q'.repeat(11)))).toEqual(['k'.repeat(11)]);
  for (let n = 0; n < 64; n += 4) head = rotated([0, 1, 2, 3].reduce((item, i) => appendOf(item, 100 + n + i), head));
  expect(names(head)).toEqual(['p', 'k'.repeat(11)]);
  let crowd = newHead(1);
  for (let n = 0; n < 17; n++) crowd = rotated(appendOf(crowd, n + 1, `p${n}`));
  expect(names(crowd)).toHaveLength(9);
});
