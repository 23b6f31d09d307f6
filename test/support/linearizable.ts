// Whether a partition behaved like one log that everybody uses in turn: each append, each look at the log and each
// refusal of an expected offset took effect at one instant between its beginning and its end, and the instants can be
// put in an order in which every answer is right. The search is that of Wing and Gong with the memory of Lowe, as
// Porcupine has it. It knows histories (history.ts) and nothing else; check-history.ts asks narrower questions and can
// say better what is wrong, this one asks the whole question.
//
// Unknown appends may take effect at any later time, or never. Those of which no read shows a record are left out:
// the history must end with a read of everything.

import type { HistoryEvent } from './history.ts';

/** The log so far: its last append, and those before it. */
type State = { readonly length: number; readonly last: Appended | undefined; readonly hash: number };
type Appended = { readonly base: number; readonly records: readonly string[]; readonly before: Appended | undefined };

type Operation = {
  readonly call: number;
  /** Infinity: nobody knows. */
  readonly end: number;
  readonly what: string;
  /** undefined: it cannot have happened in this state. */
  apply(state: State): State | undefined;
};

type Entry = { readonly at: number; readonly operation: number; readonly isCall: boolean; previous: Entry | undefined; next: Entry | undefined };

export type Verdict =
  | { readonly verdict: 'linearizable' }
  /** `longest` operations could be put in order, and no order goes on with any of `stuck`. */
  | { readonly verdict: 'not linearizable'; readonly longest: number; readonly operations: number; readonly stuck: readonly string[] }
  /** The search was given up. */
  | { readonly verdict: 'undecided' };

/** @param maxSteps of the search */
export function checkLinearizable(events: readonly HistoryEvent[], maxSteps = 200_000): Map<string, Verdict> {
  const partitions = new Map<string, HistoryEvent[]>();
  for (const event of events) {
    const own = partitions.get(event.partition);
    if (own === undefined) partitions.set(event.partition, [event]);
    else own.push(event);
  }
  return new Map([...partitions].map(([partition, own]) => [partition, search(operationsOf(own), maxSteps)]));
}

function operationsOf(events: readonly HistoryEvent[]): Operation[] {
  const places = new Map<string, number>();
  for (const event of events) if (event.kind === 'read') for (const { text, offset } of event.records) places.set(text, offset);
  return events.flatMap((event): Operation[] => {
    const { began: call, ended, client } = event;
    if (event.kind === 'read') {
      const { from, records, endOffset } = event;
      return [
        {
          call,
          end: ended,
          what: `a read by ${client} from ${from}, ${records.length} records, end ${endOffset}`,
          apply: (state) => (state.length === endOffset && holds(state, records) ? state : undefined),
        },
      ];
    }
    const { outcome, expectedOffset, records } = event;
    const what = `append ${records[0]?.slice(0, 40)} by ${client}, ${outcome.result}`;
    if (outcome.result === 'refused') {
      const { endOffset } = outcome;
      if (endOffset === undefined || expectedOffset === undefined) return [];
      return [{ call, end: ended, what: `${what} at ${endOffset}`, apply: (state) => (state.length === endOffset && expectedOffset !== endOffset ? state : undefined) }];
    }
    const place = outcome.result === 'acknowledged' ? outcome.offsets[0] : placeOf(records, places);
    if (place === undefined) return [];
    const fits = (length: number): boolean => length === place && (expectedOffset === undefined || expectedOffset === place);
    const apply = (state: State): State | undefined => (fits(state.length) ? append(state, records) : undefined);
    return [{ call, end: outcome.result === 'acknowledged' ? ended : Number.POSITIVE_INFINITY, what: `${what} at ${place}`, apply }];
  });
}

/** Of the first record, by any of them that was read. */
function placeOf(records: readonly string[], places: ReadonlyMap<string, number>): number | undefined {
  for (const [i, text] of records.entries()) {
    const place = places.get(text);
    if (place !== undefined) return place - i;
  }
  return undefined;
}

function append(state: State, records: readonly string[]): State {
  let hash = state.hash;
  for (const text of records) for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return { length: state.length + records.length, last: { base: state.length, records, before: state.last }, hash };
}

function holds(state: State, records: readonly { readonly offset: number; readonly text: string }[]): boolean {
  let at = state.last;
  for (const { offset, text } of records.toReversed()) {
    while (at !== undefined && at.base > offset) at = at.before;
    if (at?.records[offset - at.base] !== text) return false;
  }
  return true;
}

function search(operations: readonly Operation[], maxSteps: number): Verdict {
  const { head, callOf, endOf } = entriesOf(operations);
  let state: State = { length: 0, last: undefined, hash: 0x811c9dc5 };
  let open = operations.filter(({ end }) => end !== Number.POSITIVE_INFINITY).length;
  const done = new Uint8Array(operations.length);
  const known = new Set<string>();
  const stack: { readonly operation: number; readonly before: State }[] = [];
  let longest = { count: 0, stuck: [] as string[] };
  let steps = 0;

  const lift = (entry: Entry | undefined): void => {
    if (entry?.previous !== undefined) entry.previous.next = entry.next;
    if (entry?.next !== undefined) entry.next.previous = entry.previous;
  };
  const unlift = (entry: Entry | undefined): void => {
    if (entry?.previous !== undefined) entry.previous.next = entry;
    if (entry?.next !== undefined) entry.next.previous = entry;
  };
  const isNew = (next: State, operation: number): boolean => {
    done[operation] = 1;
    const name = `${Buffer.from(done).toString('latin1')}${next.length}:${next.hash}`;
    done[operation] = 0;
    if (known.has(name)) return false;
    known.add(name);
    return true;
  };

  let entry = head.next;
  while (open > 0 && entry !== undefined) {
    if (++steps > maxSteps) return { verdict: 'undecided' };
    const operation = entry.operation;
    if (entry.isCall) {
      const next = operations[operation]?.apply(state);
      if (next !== undefined && isNew(next, operation)) {
        stack.push({ operation, before: state });
        state = next;
        done[operation] = 1;
        if (operations[operation]?.end !== Number.POSITIVE_INFINITY) open--;
        lift(callOf[operation]);
        lift(endOf[operation]);
        entry = head.next;
      } else entry = entry.next;
      continue;
    }
    // It ended, so it took effect; but it cannot have, as things were ordered up to here.
    if (stack.length >= longest.count) longest = { count: stack.length, stuck: stuckAt(operations, done, state) };
    const last = stack.pop();
    if (last === undefined) return { verdict: 'not linearizable', longest: longest.count, operations: operations.length, stuck: longest.stuck };
    state = last.before;
    done[last.operation] = 0;
    if (operations[last.operation]?.end !== Number.POSITIVE_INFINITY) open++;
    unlift(endOf[last.operation]);
    unlift(callOf[last.operation]);
    entry = callOf[last.operation]?.next;
  }
  return { verdict: 'linearizable' };
}

function stuckAt(operations: readonly Operation[], done: Uint8Array, state: State): string[] {
  const left = operations.filter((_, i) => done[i] === 0);
  const firstEnd = Math.min(...left.map(({ end }) => end));
  return [`the log ends at ${state.length}`, ...left.filter(({ call }) => call < firstEnd).map(({ what }) => what)].slice(0, 8);
}

function entriesOf(operations: readonly Operation[]): { head: Entry; callOf: Entry[]; endOf: (Entry | undefined)[] } {
  const head: Entry = { at: Number.NEGATIVE_INFINITY, operation: -1, isCall: false, previous: undefined, next: undefined };
  const entry = (at: number, operation: number, isCall: boolean): Entry => ({ at, operation, isCall, previous: undefined, next: undefined });
  const callOf = operations.map(({ call }, i) => entry(call, i, true));
  const endOf = operations.map(({ end }, i) => (end === Number.POSITIVE_INFINITY ? undefined : entry(end, i, false)));
  let last = head;
  for (const one of [...callOf, ...endOf.filter((one) => one !== undefined)].sort((a, b) => a.at - b.at)) {
    last.next = one;
    one.previous = last;
    last = one;
  }
  return { head, callOf, endOf };
}
