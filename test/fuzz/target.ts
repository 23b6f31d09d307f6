// What is fuzzed: something that takes bytes which nobody has checked.

import type { SeededRandom } from '../support/random.ts';

export type Target = {
  readonly name: string;
  /** Whole inputs to begin with. */
  seeds(random: SeededRandom): Buffer[];
  /** Makes the checksums of an input true, without which nothing behind them is reached. */
  repair?(input: Buffer): void;
  /** Throws if a promise is broken. Answers what came out, for the summary. */
  run(input: Buffer): string | Promise<string>;
};

/** Throws what is not a refusal by name. */
export function refusal(error: unknown, isNamed: (error: Error) => string | undefined): string {
  const name = error instanceof Error ? isNamed(error) : undefined;
  if (name === undefined) throw error;
  return name;
}
