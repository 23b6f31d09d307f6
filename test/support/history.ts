// What clients of a running system did and saw, in their own terms. The simulator and the crash test record
// it; check-history.ts judges it. Nothing here knows the engine: partitions are names, records are texts.

/** Position in the order of all events of the history: an event that ended before another began has a smaller one. */
export type Moment = number;

export type AppendOutcome =
  /** `offsets[i]` is that of `records[i]`. */
  | { readonly result: 'acknowledged'; readonly offsets: readonly number[] }
  /** The answer promised that nothing of it stands. */
  | { readonly result: 'refused'; readonly code: string /** 412 tells the true end. */; readonly endOffset?: number }
  /** No answer, or one that cannot know. */
  | { readonly result: 'unknown'; readonly code: string };

/** One request that appends records to one partition. Each record's text is unique in the whole history. */
export type AppendEvent = {
  readonly kind: 'append';
  /** A client has at most one append under way for each partition, so its moments order its appends (I6). */
  readonly client: string;
  /** Topic id and partition number. */
  readonly partition: string;
  readonly records: readonly string[];
  readonly expectedOffset?: number;
  readonly began: Moment;
  readonly ended: Moment;
  readonly outcome: AppendOutcome;
};

/** One answered fetch. */
export type ReadEvent = {
  readonly kind: 'read';
  readonly client: string;
  /** A session follows nextOffset: it asks from where its last answer ended. */
  readonly session: string;
  readonly partition: string;
  readonly from: number;
  readonly records: readonly { readonly offset: number; readonly text: string }[];
  readonly nextOffset: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly began: Moment;
  readonly ended: Moment;
};

export type HistoryEvent = AppendEvent | ReadEvent;

export type Violation = { readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I6' | 'I7'; readonly detail: string };
