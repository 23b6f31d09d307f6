// The faults of calls, as data: which calls each can meet, how often, and what it does. A call meets at most one.
// To add one: an entry here, under the row of docs/FAULTS.md to which it belongs.

import { StoreFailure } from '../../src/ports/failure.ts';
import type { Row } from './fault-rows.ts';

/** What a call is for. */
export type Target = 'commit' | 'upload' | 'seal' | 'rotation' | 'topic' | 'other write' | 'bytes' | 'read';

export type CallFacts = {
  readonly store: 'ledger' | 'objects';
  readonly target: Target;
  /** Several writes together. */
  readonly together: boolean;
};

/** A call that a fault has met, and what can be done with it. Delays are milliseconds from now. */
type Struck = {
  /** How long a message takes there and back. */
  readonly there: number;
  readonly back: number;
  /** Evenly spread over orders of magnitude. */
  within(low: number, high: number): number;
  chance(probability: number): boolean;
  /** Carries the call out, and answers its sender so long after that. */
  carryOut(delayMs: number, answerMs?: number): void;
  /** Carries it out twice; the sender is answered the second outcome, or the first. */
  carryOutTwice(first: number, second: number, answered: 'first' | 'second'): void;
  /** Carries it out and answers something else of what came of it, where that can be. */
  alter(delayMs: number, answerMs: number, how: Alteration): void;
  fail(delayMs: number, failure: StoreFailure): void;
  /** The sender's process dies. */
  die(delayMs: number): void;
};

/** `refusals`: of writes refused together only some are told as refused. The others damage the bytes that are read. */
export type Alteration = 'refusals' | 'flip' | 'cut' | 'hide';

export type Fault = {
  readonly row: Row;
  readonly meets: (call: CallFacts) => boolean;
  /** At rate 1, of the calls that it can meet. */
  readonly chance: number;
  readonly strike: (call: Struck) => void;
};

const refused = (reason: 'throttled' | 'conflict' | 'full') => new StoreFailure(reason, 'none', `simulated: ${reason}`);
const noAnswer = () => new StoreFailure('unavailable', 'unknown', 'simulated: no answer');

function loseAnswer(call: Struck): void {
  call.carryOut(call.there);
  call.fail(call.there + call.within(2, 8_000), noAnswer());
}

const isRead = ({ target }: CallFacts): boolean => target === 'read' || target === 'bytes';
const isWrite = (call: CallFacts): boolean => !isRead(call);
const isUpload = ({ target }: CallFacts): boolean => target === 'upload';

const faults = {
  'answer lost': {
    row: 'answer lost',
    meets: (call) => isWrite(call) && !isUpload(call),
    chance: 0.02,
    strike: loseAnswer,
  },
  'answer of an upload lost': {
    row: 'upload repeated',
    meets: isUpload,
    chance: 0.04,
    strike: loseAnswer,
  },
  // The ports promise that a refusal is the end of a call: where the first time is answered, what was refused is not repeated.
  'sent twice, told the first time': { row: 'sent twice', meets: isWrite, chance: 0.012, strike: (call) => call.carryOutTwice(call.there, call.there + call.within(1, 600_000), 'first') },
  'sent twice, told the second time': { row: 'sent twice', meets: isWrite, chance: 0.012, strike: (call) => call.carryOutTwice(call.there, call.there + call.within(1, 4_000), 'second') },
  late: {
    row: 'no answer',
    meets: isWrite,
    chance: 0.02,
    strike(call) {
      call.carryOut(call.within(20, 600_000));
      call.fail(call.within(2, 4_000), noAnswer());
    },
  },
  'request lost': { row: 'no answer', meets: () => true, chance: 0.01, strike: (call) => call.fail(call.within(20, 8_000), noAnswer()) },
  'connection reset': {
    row: 'no answer',
    meets: () => true,
    chance: 0.008,
    strike(call) {
      if (call.chance(0.5)) call.carryOut(call.there);
      call.fail(call.there, noAnswer());
    },
  },
  'server error': {
    row: 'no answer',
    meets: () => true,
    chance: 0.008,
    strike(call) {
      if (call.chance(0.2)) call.carryOut(call.there);
      call.fail(call.there + call.back, noAnswer());
    },
  },
  slow: { row: 'no answer', meets: () => true, chance: 0.008, strike: (call) => call.carryOut(call.within(50, 45_000), call.within(1, 20_000)) },
  'upload refused for the moment': { row: 'no answer', meets: isUpload, chance: 0.02, strike: (call) => call.fail(call.there + call.back, refused('conflict')) },
  throttled: { row: 'throttled', meets: () => true, chance: 0.01, strike: (call) => call.fail(call.there + call.back, refused('throttled')) },
  'held by a transaction': {
    row: 'transaction conflict',
    meets: (call) => isWrite(call) && call.store === 'ledger',
    chance: 0.01,
    strike: (call) => call.fail(call.there + call.back, refused('conflict')),
  },
  'cancelled for mixed reasons': {
    row: 'transaction conflict',
    meets: ({ together }) => together,
    chance: 0.03,
    strike: (call) => (call.chance(0.5) ? call.fail(call.there + call.back, refused('conflict')) : call.alter(call.there, call.back, 'refusals')),
  },
  'dies before it is carried out': { row: 'crash at a step', meets: isWrite, chance: 0.002, strike: (call) => call.die(call.there) },
  'dies after it was carried out': {
    row: 'crash at a step',
    meets: isWrite,
    chance: 0.003,
    strike(call) {
      call.carryOut(call.there);
      call.die(call.there);
    },
  },
  'a bit flipped': { row: 'damaged bytes', meets: ({ target }) => target === 'bytes', chance: 0.02, strike: (call) => call.alter(call.there, call.back, 'flip') },
  'cut short': { row: 'damaged bytes', meets: ({ target }) => target === 'bytes', chance: 0.02, strike: (call) => call.alter(call.there, call.back, 'cut') },
  'not found': { row: 'damaged bytes', meets: ({ target }) => target === 'bytes', chance: 0.02, strike: (call) => call.alter(call.there, call.back, 'hide') },
  full: { row: 'store full', meets: isWrite, chance: 0.002, strike: (call) => call.fail(call.there + call.back, refused('full')) },
  // Not drawn for single calls: the store is gone for a while.
  outage: {
    row: 'no answer',
    meets: () => true,
    chance: 0,
    strike(call) {
      if (call.chance(0.1)) call.carryOut(call.there);
      call.fail(call.within(1, 3_000), noAnswer());
    },
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as readonly FaultName[];
export const faultOf = (name: FaultName): Fault => faults[name];
