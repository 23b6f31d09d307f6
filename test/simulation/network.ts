// The network between brokers and stores, the worst one: a call once sent takes effect at some moment, or never,
// or twice, or minutes after its sender gave up; and its answer comes later, or changed, or never. What can happen
// is in faults.ts; whether it does is drawn from the seed.

import { StoreFailure } from '../../src/ports/failure.ts';
import type { SeededRandom } from '../support/random.ts';
import { type Alteration, type CallFacts, type FaultName, faultNames, faultOf, type Target } from './faults.ts';
import type { Tally } from './tally.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

/** A running process of a broker. What has died neither gets answers nor runs timers. */
export type Process = { readonly name: string; alive: boolean };

type Call<T> = {
  readonly store: 'ledger' | 'objects';
  readonly what: string;
  readonly target: Target;
  readonly together?: boolean;
  /** Is decided when it is called, though it may answer later; may be called more than once. */
  readonly apply: () => Promise<T>;
  /** What came of it, for the trace. */
  readonly tell: (value: T) => string;
  /** Whether a write took effect. */
  readonly took?: (value: T) => boolean;
  /** Another answer than the true one; undefined: none can be made of it. */
  readonly alter?: (value: T, how: Alteration, random: SeededRandom) => { readonly value: T } | undefined;
};

export type Network = {
  call<T>(from: Process, call: Call<T>): Promise<T>;
  /** For so long every call to this store fails, and the caller cannot know whether it was carried out. */
  outage(store: 'ledger' | 'objects', forMs: number): void;
  /** From now on every call is carried out once, soon, and answered. What is already under way stays as drawn. */
  heal(): void;
  /** How many faults of calls were drawn so far, those left out included. */
  strikes(): number;
  /** Whether bytes that are read may be damaged on the way. */
  damages(): boolean;
};

/** Rotations and seals are a small part of all calls. */
const moreOften: Partial<Record<Target, number>> = { seal: 4, rotation: 2 };

/** A call that had reached the network when its sender died is carried out with this chance. */
const survivesSender = 0.6;

export type NetworkOptions = {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly tally: Tally;
  readonly random: SeededRandom;
  /** By fault: its rate; 0 turns it off. */
  readonly rates: Readonly<Record<FaultName, number>>;
  /** How slow the network is on the whole: 1 is a few milliseconds each way. */
  readonly hopScale: number;
  /** Faults that do not happen, by their number in the run: for shrinking. */
  readonly without: ReadonlySet<number>;
  /** Ends the process; answers false where it cannot die. */
  readonly crash: (process: Process) => boolean;
  /** The engine asked for something that no store takes. */
  readonly onInvalid: (error: unknown) => void;
};

export function createNetwork({ timeline, trace, tally, random, rates, hopScale, without, crash, onInvalid }: NetworkOptions): Network {
  const delays = random.fork('delays');
  const fates = random.fork('fates');
  const down = { ledger: 0, objects: 0 };
  let healed = false;
  let calls = 0;
  let strikes = 0;

  const hop = (): number => (0.5 - 3 * Math.log(1 - delays.next())) * (healed ? 0.3 : hopScale);
  const within = (low: number, high: number): number => low * (high / low) ** delays.next();

  function drawFault(facts: CallFacts): FaultName | undefined {
    const fault = drawn(facts);
    return fault === undefined || without.has(++strikes) ? undefined : fault;
  }

  function drawn(facts: CallFacts): FaultName | undefined {
    let draw = fates.next();
    if (healed) return undefined;
    if (timeline.now() < down[facts.store]) return 'outage';
    for (const name of faultNames) {
      const { meets, chance } = faultOf(name);
      if (!meets(facts)) continue;
      draw -= chance * rates[name] * (moreOften[facts.target] ?? 1);
      if (draw < 0) return name;
    }
    return undefined;
  }

  function call<T>(from: Process, { store, what, target, together = false, apply, tell, took, alter }: Call<T>): Promise<T> {
    const id = `${from.name} #${++calls}`;
    const fault = drawFault({ store, target, together });
    const survives = fates.chance(survivesSender);
    if (fault !== undefined) tally.injected(fault, target);
    trace.line(`${timeline.now().toFixed(3)} ${id} ${what}${fault === undefined ? '' : ` [${fault}; ${strikes}]`}`);
    const there = hop();
    const back = hop();
    return new Promise<T>((resolve, reject) => {
      const changed = (): void => {
        if (fault !== undefined) tally.changed(fault, target);
      };
      /** Carries the call out then, unless it died with its sender or is not needed any more; hands its outcome on. */
      const execute = (delayMs: number, then: (outcome: Promise<T>) => void = () => {}, needed: () => boolean = () => true): void => {
        timeline.after(delayMs, () => {
          if ((!from.alive && !survives) || !needed()) return;
          const outcome = apply();
          outcome.then(
            (value) => trace.line(`${timeline.now().toFixed(3)} ${id} applied: ${tell(value)}`),
            (error: unknown) => {
              trace.line(`${timeline.now().toFixed(3)} ${id} not applied: ${String(error)}`);
              if (!(error instanceof StoreFailure)) onInvalid(error);
            },
          );
          then(outcome);
        });
      };
      const answer = (delayMs: number, outcome: Promise<T>): void => {
        timeline.after(delayMs, () => {
          if (from.alive) outcome.then(resolve, reject);
        });
      };
      if (fault === undefined) return execute(there, (outcome) => answer(back, outcome));
      faultOf(fault).strike({
        there,
        back,
        within,
        chance: (probability) => fates.chance(probability),
        carryOut: (delayMs, answerMs) => execute(delayMs, (outcome) => answerMs !== undefined && answer(answerMs, outcome)),
        carryOutTwice(first, second, answered) {
          let firstTook: boolean | undefined;
          const tookEffect = (value: T): boolean => took?.(value) ?? true;
          /** No store promises for a call that it carried out twice what is true of its second time alone. */
          const withFirst = (error: unknown): T => {
            if (!(error instanceof StoreFailure) || error.effect !== 'none' || firstTook === false) throw error;
            throw new StoreFailure('unavailable', 'unknown', 'simulated: the second time failed, and the first may not have', error);
          };
          execute(first, (outcome) => {
            outcome.then(
              (value) => {
                firstTook = tookEffect(value);
              },
              () => {
                firstTook = false;
              },
            );
            if (answered === 'first') answer(back, outcome);
          });
          execute(
            second,
            (outcome) => {
              outcome.then((value) => {
                if (answered === 'second' && firstTook !== undefined && firstTook !== tookEffect(value)) changed();
              }, ignore);
              if (answered !== 'second') return;
              const told = outcome.catch(withFirst);
              told.catch(ignore);
              answer(back, told);
            },
            () => answered === 'second' || firstTook !== false,
          );
        },
        alter(delayMs, answerMs, how) {
          execute(delayMs, (outcome) => {
            const told = outcome.then((value) => {
              const other = alter?.(value, how, fates);
              if (other === undefined) return value;
              changed();
              return other.value;
            });
            told.catch(ignore);
            answer(answerMs, told);
          });
        },
        fail(delayMs, failure) {
          changed();
          timeline.after(delayMs, () => {
            if (!from.alive) return;
            trace.line(`${timeline.now().toFixed(3)} ${id} failed: ${failure.reason}/${failure.effect}`);
            reject(failure);
          });
        },
        die(delayMs) {
          timeline.after(delayMs, () => {
            if (!from.alive) return;
            if (crash(from)) changed();
            else reject(new StoreFailure('unavailable', 'unknown', 'simulated: no answer'));
          });
        },
      });
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
    strikes: () => strikes,
    damages: () => !healed && faultNames.some((name) => faultOf(name).row === 'damaged bytes' && rates[name] > 0),
  };
}

const ignore = (): void => {};
