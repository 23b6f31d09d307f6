// Virtual time: a heap of events by time, then by order of scheduling. After each event all promise
// continuations that it set off run to their end before the next one (a macrotask turn lies between), so the
// order of everything follows from the seed. No real time passes and none is read.

type Cancel = () => void;

export type Timeline = {
  /** Milliseconds since the run began. */
  now(): number;
  after(delayMs: number, run: () => void): Cancel;
  sleep(delayMs: number): Promise<void>;
  /** Runs events until `done()`, or until none is left, or until `untilMs`, or for `maxSteps` in all. */
  run(done: () => boolean, untilMs?: number): Promise<'done' | 'idle' | 'late' | 'runaway'>;
  steps(): number;
};

type Event = { readonly atMs: number; readonly order: number; run: (() => void) | undefined };

/** Thrice what the busiest seeds take: beyond it something goes round in circles. */
const defaultMaxSteps = 400_000;

export function createTimeline(maxSteps = defaultMaxSteps): Timeline {
  const heap: Event[] = [];
  let nowMs = 0;
  let order = 0;
  let steps = 0;

  function after(delayMs: number, run: () => void): Cancel {
    const event: Event = { atMs: nowMs + Math.max(0, delayMs), order: order++, run };
    push(heap, event);
    return () => {
      event.run = undefined;
    };
  }

  return {
    now: () => nowMs,
    after,
    sleep: (delayMs) =>
      new Promise((resolve) => {
        after(delayMs, resolve);
      }),
    async run(done, untilMs = Number.POSITIVE_INFINITY) {
      await turn();
      while (!done()) {
        const next = heap[0];
        if (next === undefined) return 'idle';
        if (next.run === undefined) {
          pop(heap);
          continue;
        }
        if (next.atMs > untilMs) {
          nowMs = untilMs;
          return 'late';
        }
        if (++steps > maxSteps) return 'runaway';
        pop(heap);
        nowMs = next.atMs;
        next.run();
        await turn();
      }
      return 'done';
    },
    steps: () => steps,
  };
}

/** All microtasks that wait run before the answer. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(event, heap[parent] as Event)) break;
    heap[at] = heap[parent] as Event;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop() as Event;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
    if (!before(heap[child] as Event, last)) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
}
