// What the clients of a run did and saw: a history in the terms of test/support/history.ts, and besides it the
// facts that the further checkers ask for (checkers/).

import type { AppendEvent, AppendOutcome, HistoryEvent, Moment, ReadEvent } from '../support/history.ts';

/** A violation that this run proved, by the promise that it breaks. */
export type Finding = { readonly rule: string; readonly detail: string };

type Interval = { readonly began: Moment; readonly ended: Moment };

/** "The first record at or after this time": what was asked and what was answered. */
type TimeLookUp = { readonly partition: string; readonly timestamp: number; readonly offset: number; readonly endOffset: number };

/** An append whose partition is not known until somebody reads of it: its answer, with the topic's id, was lost; the number, too, where the server chose it. */
type Unplaced = Omit<AppendEvent, 'partition'> & { readonly topic: string; readonly topicId: string | undefined; readonly number: number | undefined };

/** A batch that a producer sent until it was certain: whether it was told that it stands. */
export type SequencedBatch = { readonly producer: string; readonly epoch: number; readonly sequence: number; readonly partition: string; readonly texts: readonly string[]; stands: boolean };

export type Recorder = {
  readonly findings: Finding[];
  readonly timestamps: Map<string, number>;
  readonly lookUps: TimeLookUp[];
  /** Deletions that were answered, by topic id. */
  readonly deleted: Map<string, Interval>;
  /** In the order in which they were sent first. */
  readonly batches: SequencedBatch[];
  /** Requests that are not settled when clients end: each is sent again when everything is healed, and must be settled then. */
  readonly unsettled: { readonly what: string; readonly settle: () => Promise<boolean> }[];
  /** The name of each topic id that any answer showed. */
  readonly topicNames: Map<string, string>;
  readonly counts: { acknowledged: number; refused: number; unknown: number; reads: number; recordsRead: number; settled: number; sentAgain: number; strayRuns: number; undecided: number };
  moment(): Moment;
  finding(rule: string, detail: string): void;
  append(
    event: Omit<AppendEvent, 'kind' | 'ended' | 'partition' | 'outcome'>,
    place: { readonly topic: string; readonly topicId: string | undefined; readonly number: number | undefined },
    outcome: AppendOutcome,
  ): void;
  read(event: Omit<ReadEvent, 'kind' | 'ended'>): void;
  history(): HistoryEvent[];
};

const maxFindings = 40;

export function createRecorder(): Recorder {
  const events: HistoryEvent[] = [];
  const unplaced: Unplaced[] = [];
  const findings: Finding[] = [];
  const topicNames = new Map<string, string>();
  const counts = { acknowledged: 0, refused: 0, unknown: 0, reads: 0, recordsRead: 0, settled: 0, sentAgain: 0, strayRuns: 0, undecided: 0 };
  let moments = 0;
  return {
    findings,
    timestamps: new Map(),
    lookUps: [],
    deleted: new Map(),
    batches: [],
    unsettled: [],
    topicNames,
    counts,
    moment: () => ++moments,
    finding(rule, detail) {
      if (findings.length < maxFindings) findings.push({ rule, detail });
    },
    append(event, { topic, topicId, number }, outcome) {
      counts[outcome.result]++;
      const whole = { ...event, kind: 'append', ended: ++moments, outcome } as const;
      if (topicId === undefined || number === undefined) unplaced.push({ ...whole, topic, topicId, number });
      else events.push({ ...whole, partition: `${topicId}/${number}` });
    },
    read(event) {
      counts.reads++;
      counts.recordsRead += event.records.length;
      events.push({ ...event, kind: 'read', ended: ++moments });
    },
    history() {
      const seenIn = new Map<string, string>();
      for (const event of events) if (event.kind === 'read') for (const { text } of event.records) seenIn.set(text, event.partition);
      const placed = unplaced.map(({ topic, topicId: told, number, ...event }): AppendEvent => {
        const seen = event.records.map((text) => seenIn.get(text)).find((partition) => partition !== undefined);
        const [topicId, place] = seen?.split('/') ?? [];
        const fits = topicId !== undefined && (told === undefined ? topicNames.get(topicId) === topic : topicId === told) && (number === undefined || Number(place) === number);
        return { ...event, partition: fits && seen !== undefined ? seen : `nowhere of ${topic}/${number ?? 'any'}` };
      });
      return [...events, ...placed];
    },
  };
}
