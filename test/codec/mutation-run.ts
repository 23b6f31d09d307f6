// Part b: damaged batches in a child process, under a watchdog.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildReport } from './mutation-child.ts';

/** The child reports after each known bomb and every 200 inputs, each of which may take 5 s at the very most; so long a silence is a hang. */
const silenceMs = 20_000;
const maxPeakBytes = 64 * 2 ** 20;

export type MutationResult = { readonly report: ChildReport; readonly problems: readonly string[] };

/** @param count inputs, from the first of the seed on */
export function runMutations(seed: number, count: number, progress: (done: number, note: string) => void): Promise<MutationResult> {
  const child = fork(fileURLToPath(new URL('mutation-child.ts', import.meta.url)), [String(seed), '0', String(count)], { execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const { promise, resolve } = Promise.withResolvers<MutationResult>();
  let report: ChildReport = { done: 0, outcomes: {}, problems: [], slowestMs: 0, peakBytes: 0 };
  const problems: string[] = [];
  const hang = () => {
    problems.push(`no word for ${silenceMs / 1000} s, within the 200 inputs from ${report.done} on of seed ${seed}: killed`);
    child.kill('SIGKILL');
  };
  let watchdog = setTimeout(hang, silenceMs);
  child.on('message', (message) => {
    report = message as ChildReport;
    clearTimeout(watchdog);
    watchdog = setTimeout(hang, silenceMs);
    progress(report.done, `${Object.keys(report.outcomes).length} outcomes`);
  });
  child.on('exit', (code, signal) => {
    clearTimeout(watchdog);
    if (code !== 0) problems.push(`the child ended with ${signal ?? code}, within the 200 inputs from ${report.done} on of seed ${seed}`);
    problems.push(...report.problems);
    if (problems.length === 0 && report.done !== count) problems.push(`${report.done} of ${count} inputs were run`);
    if (report.peakBytes > maxPeakBytes) problems.push(`${report.peakBytes} bytes above the baseline, at most ${maxPeakBytes} are allowed`);
    resolve({ report, problems });
  });
  return promise;
}
