// What a script has checked: a line for each, and the last line that tells how many held.

export type Tally = {
  /** `problems`: the first few are printed; none: it holds. */
  check(what: string, problems: readonly string[]): void;
  /** Prints 'N passed, N failed' and sets the exit code. */
  end(): void;
};

const shownProblems = 10;

export function createTally(): Tally {
  let passed = 0;
  let failed = 0;
  return {
    check(what, problems) {
      if (problems.length === 0) passed++;
      else failed++;
      console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${what}`);
      for (const problem of problems.slice(0, shownProblems)) console.log(`         ${problem}`);
      if (problems.length > shownProblems) console.log(`         … and ${problems.length - shownProblems} more`);
    },
    end() {
      console.log(`${passed} passed, ${failed} failed`);
      process.exitCode = failed > 0 ? 1 : 0;
    },
  };
}
