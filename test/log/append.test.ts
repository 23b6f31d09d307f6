// The append's condition, and what its refusal means, question by question.
import { describe, expect, it } from 'vitest';
import { afterRefusal, type Commit, type CommitEntry, landedIn, leftOut, planAppend } from '../../src/log/append.ts';
import { applyWrite } from '../../src/log/apply-write.ts';
import { newHead, parseHead, placeWindow } from '../../src/log/head.ts';
import { headKey } from '../../src/log/keys.ts';
import type { ProducerStates } from '../../src/log/producers.ts';
import { isElected, planRotate, planSeal } from '../../src/log/seal.ts';
import type { Item, Write } from '../../src/log/write.ts';
import { limits } from '../../src/record/limits.ts';

const key = headKey('t', 0);
const none: ProducerStates = new Map();
const idOf = (n: number) => new Uint8Array(16).fill(n);
const entry = (position: number, count: number, more: Partial<CommitEntry> = {}): CommitEntry => ({ position, length: 10, count, maxTimestamp: 1, ...more });
const commitOf = (n: number, ...entries: CommitEntry[]): Commit => ({ head: key, id: idOf(n), epoch: 1, inline: false, entries: entries.length > 0 ? entries : [entry(0, 1)] });

/** The head after the writes, each of which must be applied. */
function apply(head: Item, ...writes: Write[]): Item {
  return writes.reduce((item, write) => {
    const outcome = applyWrite(item, write);
    if (!outcome.applied || outcome.item === undefined) throw new Error('refused');
    return outcome.item;
  }, head);
}

const append = (head: Item, commit: Commit, pin = parseHead(head).nextOffset) => apply(head, planAppend(commit, commit.entries, pin, none));
const rotate = (head: Item) => apply(head, planRotate(key, parseHead(head)));
const refused = (head: Item, write: Write) => !applyWrite(head, write).applied;

describe('the condition refuses', () => {
  it('I1: a commit that the head lists, in either buffer', () => {
    const commit = commitOf(1);
    let head = append(newHead(1), commit);
    expect(refused(head, planAppend(commit, commit.entries, 0, none))).toBe(true);
    head = rotate(head);
    expect(refused(head, planAppend(commit, commit.entries, 0, none))).toBe(true);
  });

  it('I1: a commit whose pin lies below what the head still lists', () => {
    const commit = commitOf(1);
    const head = rotate(rotate(append(newHead(1), commit)));
    expect(refused(head, planAppend(commit, commit.entries, 0, none))).toBe(true);
    expect(refused(head, planAppend(commit, commit.entries, 1, none))).toBe(false);
  });

  it('I10: a payload of a closed epoch', () => {
    const commit = commitOf(1);
    expect(refused(newHead(2), planAppend(commit, commit.entries, 0, none))).toBe(true);
  });

  it('an expected offset that is not the end', () => {
    const commit = commitOf(1, entry(0, 1, { expectedOffset: 1 }));
    expect(refused(newHead(1), planAppend(commit, commit.entries, 0, none))).toBe(true);
    const head = append(newHead(1), commitOf(2));
    expect(refused(head, planAppend(commit, commit.entries, 1, none))).toBe(false);
  });

  it('a full buffer, a topic that is being deleted, and a head that is gone', () => {
    let head = newHead(1);
    for (let n = 0; n < limits.maxTailCommits; n++) head = append(head, commitOf(100 + n));
    const commit = commitOf(1);
    expect(refused(head, planAppend(commit, commit.entries, 0, none))).toBe(true);
    expect(refused({ ...newHead(1), dl: 1 }, planAppend(commit, commit.entries, 0, none))).toBe(true);
    expect(applyWrite(undefined, planAppend(commit, commit.entries, 0, none)).applied).toBe(false);
  });
});

describe('after a refusal', () => {
  it('whether the commit stands is asked before anything else', () => {
    const commit = commitOf(1, entry(0, 2, { expectedOffset: 0 }), entry(10, 3));
    const head = { ...append(newHead(1), commit), dl: 1, gm: 9 };
    const decision = afterRefusal(commit, 0, parseHead(head));
    expect(decision).toMatchObject({ next: 'acknowledge', landed: [{ baseOffset: 0 }, { baseOffset: 2 }] });
  });

  it('only entries whose bytes were committed are acknowledged', () => {
    const [a, b, c] = [entry(0, 2), entry(10, 3), entry(20, 4)] as const;
    const commit = commitOf(1, a, b, c);
    const head = apply(append(newHead(1), commitOf(9)), planAppend(commit, [a, c], 1, none));
    expect(landedIn(commit, placeWindow(parseHead(head)))).toEqual([
      { entry: a, baseOffset: 1 },
      { entry: c, baseOffset: 3 },
    ]);
    expect(parseHead(head).current).toHaveLength(3);
  });

  it('the other entries go again where one finds another offset than it expects', () => {
    const [expecting, plain] = [entry(0, 1, { expectedOffset: 0 }), entry(10, 1)] as const;
    const commit = commitOf(1, expecting, plain);
    const head = parseHead(append(newHead(1), commitOf(9)));
    expect(afterRefusal(commit, 0, head)).toEqual({ next: 'send', pin: 1 });
    expect(leftOut(commit.entries, head.nextOffset, none)).toEqual([{ entry: expecting, why: { is: 'mismatch', nextOffset: 1 } }]);
    expect(leftOut(commit.entries, 0, none)).toEqual([]);
  });

  it('search, reupload, rotate, topic gone', () => {
    const commit = commitOf(1);
    const passed = parseHead(rotate(rotate(append(newHead(1), commitOf(9)))));
    expect(afterRefusal(commit, 0, passed)).toEqual({ next: 'search', windowBase: 1, pin: 1 });
    expect(afterRefusal(commit, 0, parseHead(newHead(2)))).toEqual({ next: 'reupload' });
    let full = newHead(1);
    for (let n = 0; n < limits.maxTailCommits; n++) full = append(full, commitOf(100 + n));
    expect(afterRefusal(commit, 0, parseHead(full))).toEqual({ next: 'rotate', pin: limits.maxTailCommits });
    expect(afterRefusal(commit, 0, parseHead({ ...newHead(1), dl: 1 }))).toEqual({ next: 'topicGone' });
    expect(afterRefusal(commit, 0, undefined)).toEqual({ next: 'topicGone' });
  });
});

describe('seal and rotate', () => {
  it('each size of the buffer elects at most one writer, whatever was overshot before', () => {
    for (const overshot of [0, 8, 12, 20, 32]) {
      let head = newHead(1);
      for (let n = 0; n < overshot; n++) head = append(head, commitOf(200 + n));
      head = rotate(head);
      const elected: number[] = [];
      for (let n = 1; n <= limits.maxTailCommits; n++) {
        head = append(head, commitOf(n));
        if (isElected(parseHead(head), { refs: 1, producers: 0 })) elected.push(n);
      }
      const first = Math.max(3, 8 - Math.ceil(Math.max(0, overshot - 8) / 2));
      expect(elected).toEqual([first, first + 8, first + 16, first + 24].filter((size) => size <= limits.maxTailCommits));
    }
  });

  it('a commit that adds several refs at once and jumps a threshold is elected', () => {
    let head = newHead(1);
    for (let n = 0; n < 9; n++) head = append(head, commitOf(n + 1));
    expect(isElected(parseHead(head), { refs: 3, producers: 0 })).toBe(true);
    expect(isElected(parseHead(head), { refs: 1, producers: 0 })).toBe(false);
  });

  it('everyone who seals a rotation writes the same bytes, and a late rotation is refused', () => {
    let head = append(append(newHead(1), commitOf(1)), commitOf(2));
    head = rotate(head);
    const early = planSeal('t', 0, parseHead(head));
    const lateRotation = planRotate(key, parseHead(head));
    head = append(head, commitOf(3));
    expect(planSeal('t', 0, parseHead(head))).toEqual(early);
    head = rotate(head);
    expect(refused(head, lateRotation)).toBe(true);
    expect(planSeal('t', 0, parseHead(newHead(1)))).toBeUndefined();
  });

  it('rotation keeps every number true', () => {
    let head = newHead(1);
    for (let n = 1; n <= 20; n++) {
      head = append(head, commitOf(n, entry(0, n)));
      if (n % 5 === 0) head = rotate(head);
    }
    const { windowBase, currentBase, nextOffset, previous, current, totals } = parseHead(head);
    const count = (refs: typeof current) => refs.reduce((sum, ref) => sum + ref.count, 0);
    expect(windowBase + count(previous)).toBe(currentBase);
    expect(currentBase + count(current)).toBe(nextOffset);
    expect(nextOffset).toBe(210);
    expect(totals).toEqual({ maxTimestamp: 1, bytes: 150, refs: 15 });
  });
});
