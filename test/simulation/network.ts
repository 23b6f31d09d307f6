// The network between brokers and stores, the worst one: a call once sent takes effect at some moment, or never,
// or twice, or minutes after its sender gave up; and its answer comes later, or never. Whatever it does is drawn
// from the seed.

import { StoreFailure } from '../../src/ports/failure.ts';
import type { SeededRandom } from '../support/random.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

/** A running process of a broker. What has died neither gets answers nor runs timers. */
export type Process = { readonly name: string; alive: boolean };

type Call<T> = {
  readonly store: 'ledger' | 'objects';
  readonly what: string;
  readonly kind: 'read' | 'write';
  /** Takes effect when it is called, not later; may be called more than once. */
  readonly apply: () => Promise<T>;
  /** What came of it, for the trace. */
  readonly tell: (value: T) => string;
  /** Whether a write took effect. */
  readonly took?: (value: T) => boolean;
};

export const faults = ['throttled', 'conflict', 'full', 'request lost', 'answer lost', 'late (zombie)', 'sent twice', 'slow', 'outage'] as const;
export type Fault = (typeof faults)[number];

export type Network = {
  call<T>(from: Process, call: Call<T>): Promise<T>;
  /** For so long every call to this store fails, and the caller cannot know whether it was carried out. */
  outage(store: 'ledger' | 'objects', forMs: number): void;
  /** From now on every call is carried out once, soon, and answered. What is already under way stays as drawn. */
  heal(): void;
  readonly counts: Record<Fault, number>;
};

/** Chances at hostility 1, of a write; reads know fewer faults. */
const chances: Readonly<Record<Fault, number>> = {
  throttled: 0.01,
  conflict: 0.01,
  full: 0.001,
  'request lost': 0.012,
  'answer lost': 0.025,
  'late (zombie)': 0.025,
  'sent twice': 0.025,
  slow: 0.012,
  outage: 0,
};

const ofReads: ReadonlySet<Fault> = new Set(['throttled', 'request lost', 'slow']);

/** A call that had reached the network when its sender died is carried out with this chance. */
const survivesSender = 0.6;

export type NetworkOptions = {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly random: SeededRandom;
  readonly hostility: number;
  /** How slow the network is on the whole: 1 is a few milliseconds each way. */
  readonly hopScale: number;
  /** The engine asked for something that no store takes. */
  readonly onInvalid: (error: unknown) => void;
};

export function createNetwork({ timeline, trace, random, hostility, hopScale, onInvalid }: NetworkOptions): Network {
  const delays = random.fork('delays');
  const fates = random.fork('fates');
  const counts = Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>;
  const down = { ledger: 0, objects: 0 };
  let healed = false;
  let calls = 0;

  const hop = (): number => (0.5 - 3 * Math.log(1 - delays.next())) * (healed ? 0.3 : hopScale);
  /** Evenly spread over orders of magnitude. */
  const within = (low: number, high: number): number => low * (high / low) ** delays.next();

  function drawFault(kind: 'read' | 'write', store: 'ledger' | 'objects'): Fault | undefined {
    let draw = fates.next();
    if (healed) return undefined;
    if (timeline.now() < down[store]) return 'outage';
    for (const fault of faults) {
      if (kind === 'read' && !ofReads.has(fault)) continue;
      draw -= chances[fault] * hostility;
      if (draw < 0) return fault;
    }
    return undefined;
  }

  function call<T>(from: Process, { store, what, kind, apply, tell, took }: Call<T>): Promise<T> {
    const id = `${from.name} #${++calls}`;
    const fault = drawFault(kind, store);
    const survives = fates.chance(survivesSender);
    if (fault !== undefined) counts[fault]++;
    trace.line(`${timeline.now().toFixed(3)} ${id} ${what}${fault === undefined ? '' : ` [${fault}]`}`);
    const answersFirst = fates.chance(0.5);
    let obsolete = false;
    return new Promise<T>((resolve, reject) => {
      const carryOut = (delayMs: number, then?: (outcome: Promise<T>) => void): void => {
        timeline.after(delayMs, () => {
          if ((!from.alive && !survives) || obsolete) return;
          const outcome = apply();
          outcome.then(
            (value) => {
              obsolete = fault === 'sent twice' && answersFirst && took?.(value) === false;
              trace.line(`${timeline.now().toFixed(3)} ${id} applied: ${tell(value)}`);
            },
            (error: unknown) => {
              trace.line(`${timeline.now().toFixed(3)} ${id} impossible: ${String(error)}`);
              onInvalid(error);
            },
          );
          then?.(outcome);
        });
      };
      const answer = (delayMs: number) => (outcome: Promise<T>) => {
        timeline.after(delayMs, () => {
          if (from.alive) outcome.then(resolve, reject);
        });
      };
      const fail = (delayMs: number, failure: StoreFailure): void => {
        timeline.after(delayMs, () => {
          if (!from.alive) return;
          trace.line(`${timeline.now().toFixed(3)} ${id} failed: ${failure.reason}/${failure.effect}`);
          reject(failure);
        });
      };
      const there = hop();
      const back = hop();
      switch (fault) {
        case undefined:
          return carryOut(there, answer(back));
        case 'throttled':
        case 'conflict':
        case 'full':
          return fail(there + back, new StoreFailure(fault, 'none', `simulated: ${fault}`));
        case 'request lost':
          return fail(within(20, 8_000), noAnswer());
        case 'answer lost':
          carryOut(there);
          return fail(there + within(2, 8_000), noAnswer());
        case 'late (zombie)':
          carryOut(within(20, 600_000));
          return fail(within(2, 4_000), noAnswer());
        case 'sent twice':
          // The answer is that of the second time, as with a client library that retries; or of the first, and then
          // nobody would repeat what was refused: the ports promise that a refusal is the end of a call.
          if (answersFirst) {
            carryOut(there, answer(back));
            return carryOut(there + within(1, 600_000));
          }
          carryOut(there);
          return carryOut(there + within(1, 4_000), answer(back));
        case 'outage':
          if (fates.chance(0.1)) carryOut(there);
          return fail(within(1, 3_000), noAnswer());
        case 'slow':
          return carryOut(within(50, 45_000), answer(within(1, 20_000)));
      }
    });
  }

  return {
    call,
    outage(store, forMs) {
      trace.line(`${timeline.now().toFixed(3)} outage of ${store} for ${forMs}`);
      down[store] = timeline.now() + forMs;
    },
    heal() {
      healed = true;
    },
    counts,
  };
}

const noAnswer = (): StoreFailure => new StoreFailure('unavailable', 'unknown', 'simulated: no answer');
