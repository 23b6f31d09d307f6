// Records of an input into batches: what has come goes at once, and while a batch is under way the next one is gathered,
// up to a bound.

const maxBatchRecords = 2_000;
const maxBatchChars = 256 * 1024;

export type Batches<T> = {
  /** The next batch, of what has come; with `count`: of exactly so many records, or all there are. undefined: the input has ended. @throws what the input threw */
  next(count?: number): Promise<readonly T[] | undefined>;
};

export function gatherRecords<T extends { readonly json: string }>(source: AsyncIterable<readonly T[]>): Batches<T> {
  let held: T[] = [];
  let chars = 0;
  let failure: { readonly error: unknown } | undefined;
  let ended = false;
  let changed = Promise.withResolvers<void>();
  let wanted = 0;
  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const isFull = (): boolean => held.length >= Math.max(wanted, maxBatchRecords) || (chars >= maxBatchChars && held.length >= wanted);

  void (async () => {
    try {
      for await (const records of source) {
        for (const record of records) {
          held.push(record);
          chars += record.json.length;
        }
        tell();
        while (isFull()) await changed.promise;
      }
    } catch (error) {
      failure = { error };
    }
    ended = true;
    tell();
  })();

  function take(count: number): T[] {
    let taken = 0;
    let size = 0;
    for (; taken < Math.min(count, held.length); taken++) {
      size += held[taken]?.json.length ?? 0;
      if (size > maxBatchChars && taken > 0 && wanted === 0) break;
    }
    const batch = held.slice(0, taken);
    held = held.slice(taken);
    chars -= batch.reduce((sum, { json }) => sum + json.length, 0);
    return batch;
  }

  return {
    async next(count) {
      wanted = count ?? 0;
      tell();
      while (held.length < Math.max(1, wanted) && !ended) await changed.promise;
      const batch = take(count ?? maxBatchRecords);
      wanted = 0;
      tell();
      if (batch.length > 0) return batch;
      if (failure !== undefined) throw failure.error;
      return undefined;
    },
  };
}
