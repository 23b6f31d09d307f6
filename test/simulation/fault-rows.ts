// The rows of docs/FAULTS.md: those that the simulator owns, and for each other one where it is tested. The document
// is held to this list (fault-rows.test.ts).

/** What is counted of a row besides calls: the things that happen to a run. */
export const happenings = ['crash', 'stop', 'clock jump', 'topic deleted', 'epoch closed', 'commit of a closed epoch', 'stale read', 'client gone', 'lock met', 'producer replaced'] as const;
export type Happening = (typeof happenings)[number];

export type OwnedRow = {
  /** Targets at which it must be seen often. */
  readonly at?: readonly ('commit' | 'upload' | 'seal')[];
  /** Besides the faults of calls that name the row. */
  readonly happenings?: readonly Happening[];
  /** What of it changes the outcome of calls: faults of calls do; a happening where it says so. */
  readonly changesCalls: boolean;
};

export const ownedRows = {
  'answer lost': { at: ['commit', 'seal'], changesCalls: true },
  'sent twice': { at: ['commit', 'upload', 'seal'], changesCalls: true },
  'upload repeated': { at: ['upload'], changesCalls: true },
  'no answer': { at: ['commit', 'upload', 'seal'], changesCalls: true },
  throttled: { at: ['commit', 'upload', 'seal'], changesCalls: true },
  'transaction conflict': { at: ['commit', 'seal'], happenings: ['lock met'], changesCalls: true },
  'crash at a step': { at: ['commit', 'upload', 'seal'], happenings: ['crash'], changesCalls: true },
  'late commit': { happenings: ['epoch closed', 'commit of a closed epoch'], changesCalls: false },
  'wrong clock': { happenings: ['clock jump'], changesCalls: false },
  'stale read': { happenings: ['stale read'], changesCalls: true },
  'topic made again': { happenings: ['topic deleted'], changesCalls: false },
  'damaged bytes': { changesCalls: true },
  'ordered stop': { happenings: ['stop'], changesCalls: false },
  'store full': { at: ['commit', 'upload', 'seal'], changesCalls: true },
  'producer replaced': { happenings: ['producer replaced'], changesCalls: false },
  'client gone': { happenings: ['client gone'], changesCalls: false },
} satisfies Record<string, OwnedRow>;

export type Row = keyof typeof ownedRows;

/** Rows that the simulator does not own, and what tests them. */
export const otherRows: Readonly<Record<string, string>> = {
  'two compactors': 'not built: no compactor',
  'reader in a swap': 'not built: no compaction, no retention',
  'member paused': 'not built: no groups',
  'power cut': 'npm run crash (SIGKILL), npm run crash -- --drop-unsynced (writes that were not synced are lost)',
  'damage at rest': 'test/broker/fetch.test.ts, test/adapters/journal.test.ts, test/adapters/item-codec.test.ts',
  'disk full': 'test/adapters/disk-full.test.ts',
  SIGTERM: 'test/server/process.test.ts',
  'connection cut': 'test/server/sockets.test.ts, npm run test:streams, npm run test:browser',
  'bad input': 'test/http/contract, npm run test:codec, npm run test:http, npm run fuzz',
};
