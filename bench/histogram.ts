// Latencies in buckets whose widths grow with the value: any percentile to within 0.2 percent, in constant space.

const bucketsPerDoubling = 512;

export type Histogram = { add(microseconds: number): void; percentile(share: number): number };

export function createHistogram(): Histogram {
  const buckets = new Uint32Array(bucketsPerDoubling * 32);
  let count = 0;
  return {
    add(microseconds) {
      const bucket = Math.floor(Math.log2(Math.max(1, microseconds)) * bucketsPerDoubling);
      const at = Math.min(bucket, buckets.length - 1);
      buckets[at] = (buckets[at] ?? 0) + 1;
      count++;
    },
    /** In microseconds; the middle of the bucket. 0 where nothing was added. */
    percentile(share) {
      let rest = Math.ceil(count * share);
      for (const [bucket, size] of buckets.entries()) {
        rest -= size;
        if (size > 0 && rest <= 0) return 2 ** ((bucket + 0.5) / bucketsPerDoubling);
      }
      return 0;
    },
  };
}
