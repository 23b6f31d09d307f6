// The item of an idempotency key (docs/PROTOCOL.md, 2.2b): what the first request under it asked for, and how its records
// were placed; in the end where they stand.

import { formatVersion, reader } from './format.ts';
import { keyTtlS } from './producers.ts';
import { absent, equals, type Item, type Key, set, type Value, type Write } from './write.ts';

/** Where records without a partition go: those with a key by the number of partitions, the others by the seed, an integer below 2^32. */
export type Placement = { readonly partitions: number; readonly seed: number };

/** Where the records of one partition stand. */
export type Standing = { readonly partition: number; readonly baseOffset: number; readonly count: number; readonly timestamp: number };

export type KeyItem = {
  /** Of all that the request asks for. */
  readonly fingerprint: Uint8Array;
  readonly placement: Placement;
  /** Once all its records stood, best effort. */
  readonly answer: readonly Standing[] | undefined;
};

/** Refused where the key was used before; the old image says for what. */
export function planBeginKey(key: Key, { fingerprint, placement }: Omit<KeyItem, 'answer'>, nowMs: number): Write {
  const item: Item = { fv: formatVersion, f: fingerprint, np: placement.partitions, s: placement.seed, ttl: Math.floor(nowMs / 1000) + keyTtlS };
  return { key, action: 'put', guards: [absent('f')], item };
}

/** To be sent when the records stand, and not before: what it says is told for as long as the key is known. */
export function planAnswer(key: Key, fingerprint: Uint8Array, answer: readonly Standing[]): Write {
  const rows = answer.map(({ partition, baseOffset, count, timestamp }): Value => [partition, baseOffset, count, timestamp]);
  return { key, action: 'update', guards: [equals('f', fingerprint)], changes: [set('a', rows)] };
}

export function parseKeyItem(item: Item): KeyItem {
  const read = reader(item, 'The item of an idempotency key');
  return { fingerprint: read.bytes('f'), placement: { partitions: read.number('np'), seed: read.number('s') }, answer: read.has('a') ? read.numberLists('a').map(standing) : undefined };
}

function standing([partition = 0, baseOffset = 0, count = 0, timestamp = 0]: readonly number[]): Standing {
  return { partition, baseOffset, count, timestamp };
}
