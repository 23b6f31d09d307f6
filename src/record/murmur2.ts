// The hash by which Kafka's clients choose the partition of a key: murmur2 with Kafka's seed, 32 bits, as in
// org.apache.kafka.common.utils.Utils.murmur2. Every client, ours or Kafka's, sends one key to one partition (I6).

const seed = 0x9747b28c | 0;
const mix = 0x5bd1e995;

/** murmur2 of the bytes as a signed 32-bit number, as in Java. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = seed ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, mix);
    word = Math.imul(word ^ (word >>> 24), mix);
    hash = Math.imul(hash, mix) ^ word;
  }
  const rest = length - at;
  if (rest > 0) {
    if (rest > 2) hash ^= (bytes[at + 2] as number) << 16;
    if (rest > 1) hash ^= (bytes[at + 1] as number) << 8;
    hash = Math.imul(hash ^ (bytes[at] as number), mix);
  }
  hash = Math.imul(hash ^ (hash >>> 13), mix);
  return hash ^ (hash >>> 15);
}

/** The partition of a key among `partitions` (at least 1), as Kafka's default partitioner gives it: toPositive(murmur2) mod partitions. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}
