// What of the source has run, as V8 counts it, by blocks of code: an input that reaches a new block is worth keeping.

import { Session } from 'node:inspector';

type Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number };
type ScriptCoverage = { readonly url: string; readonly functions: readonly { readonly ranges: readonly Range[] }[] };

export type Coverage = {
  /** What ran since the last call and was not remembered before. */
  reachedNew(): ReadonlySet<string>;
  remember(blocks: ReadonlySet<string>): void;
  /** Remembered so far. */
  blocks(): number;
};

/** @param folder only scripts below it count */
export function startCoverage(folder: string): Coverage {
  const session = new Session();
  session.connect();
  const post = (method: string, params: object = {}): unknown => {
    let answer: unknown;
    // Of a session of the own thread the answer comes before the call returns.
    session.post(method as 'Profiler.enable', params as never, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const known = new Set<string>();
  return {
    blocks: () => known.size,
    reachedNew() {
      const { result } = post('Profiler.takePreciseCoverage') as { result: readonly ScriptCoverage[] };
      const found = new Set<string>();
      for (const { url, functions } of result) {
        if (!url.includes(folder)) continue;
        for (const { ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            const block = `${url}:${startOffset}-${endOffset}`;
            if (count > 0 && !known.has(block)) found.add(block);
          }
        }
      }
      return found;
    },
    remember(blocks) {
      for (const block of blocks) known.add(block);
    },
  };
}
