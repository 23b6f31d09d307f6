// The whole key schema of the ledger and of the object store (docs/PROTOCOL.md, section 1). Every key is made
// here and nowhere else. Numbers in sort keys have a fixed width, so that keys sort as the numbers do.

import type { Key } from './write.ts';

/** 16 random bytes as 22 characters of base64url. */
export type TopicId = string;

const registryShards = 16;

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** Wide enough for 2^53. */
const offsetWidth = 14;
const epochWidth = 8;
const dueWidth = 13;

export const partitionKey = (topicId: TopicId, partition: number): string => `P#${topicId}#${partition}`;

export const headKey = (topicId: TopicId, partition: number): Key => headKeyOf(partitionKey(topicId, partition));

/** @param partition as `partitionKey` makes it */
export const headKeyOf = (partition: string): Key => ({ pk: partition, sk: 'H' });

/** The manifest: where the log starts and how far it is compacted. */
export const manifestKey = (topicId: TopicId, partition: number): Key => ({ pk: partitionKey(topicId, partition), sk: 'F' });

/** A sealed run of refs, by the offset of its first record. */
export const runKey = (topicId: TopicId, partition: number, baseOffset: number): Key => ({ pk: partitionKey(topicId, partition), sk: `I#${hex(baseOffset, offsetWidth)}` });

export const runRange = { first: 'I#', last: 'I#~' } as const;

export const runSortKey = (baseOffset: number): string => `I#${hex(baseOffset, offsetWidth)}`;

export const baseOffsetOfRun = (sk: string): number => Number.parseInt(sk.slice(2), 16);

/** Producers that the head no longer lists. */
export const spilledProducersKey = (topicId: TopicId, partition: number): string => `${partitionKey(topicId, partition)}#S`;

export const spilledProducerKey = (topicId: TopicId, partition: number, name: string): Key => ({ pk: spilledProducersKey(topicId, partition), sk: name });

/** A request that came with an idempotency key. @param keyHash hexadecimal */
export const idempotencyKey = (topicId: TopicId, keyHash: string): Key => ({ pk: `K#${topicId}#${keyHash}`, sk: 'K' });

export const topicNameKey = (name: string): Key => ({ pk: 'TN', sk: name });

export const topicNames = 'TN';

export const topicKey = (topicId: TopicId): Key => ({ pk: `TU#${topicId}`, sk: 'T' });

/** One entry for each head, for whoever must visit all of them. */
export const registryKey = (topicId: TopicId, partition: number): Key => ({ pk: `R#${hex(shardOf(topicId), 2)}`, sk: `${topicId}#${partition}` });

/** The registry entries of one topic. */
export const registryOf = (topicId: TopicId) => ({ pk: registryKey(topicId, 0).pk, from: `${topicId}#`, to: `${topicId}#~` });

export const partitionOfRegistry = (sk: string): number => Number(sk.slice(sk.indexOf('#') + 1));

/** The cluster's upload epochs. */
export const epochsKey: Key = { pk: 'G', sk: 'G' };

export const workShards: readonly string[] = Array.from({ length: registryShards }, (_, shard) => `W#${hex(shard, 2)}`);

/** Work on a topic, by the time at which it is due (milliseconds). */
export const workKey = (topicId: TopicId, dueMs: number): Key => ({ pk: workShards[shardOf(topicId)] as string, sk: `${String(dueMs).padStart(dueWidth, '0')}#${topicId}` });

/** Work on the tail of a partition. */
export function tailWorkKey(topicId: TopicId, partition: number, dueMs: number): Key {
  const { pk, sk } = workKey(topicId, dueMs);
  return { pk, sk: `${sk}#${partition}` };
}

export const workDueAt = (nowMs: number): string => `${String(nowMs).padStart(dueWidth, '0')}~`;

/** @param sk of an item of work. `partition` is undefined for work on a topic as a whole */
export function placeOfWork(sk: string): { readonly topicId: TopicId; readonly partition: number | undefined } {
  const [topicId = '', partition] = sk.slice(dueWidth + 1).split('#');
  return { topicId, partition: partition === undefined ? undefined : Number(partition) };
}

/** A payload that lies in the ledger itself. */
export const payloadKey = (epoch: number, id: Uint8Array): Key => ({ pk: `L0#${hex(epoch, epochWidth)}#${hex(id[0] as number, 2)}`, sk: idText(id) });

/** A payload that lies in the object store: 256 prefixes for the request rate, the epoch still listable. */
export const objectKey = (epoch: number, id: Uint8Array): string => `l0/${hex(id[0] as number, 2)}/${hex(epoch, epochWidth)}/${idText(id)}`;

/** Bytes as hexadecimal text. */
export function idText(id: Uint8Array): string {
  let text = '';
  for (const byte of id) text += hexOfByte[byte];
  return text;
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** @param random 16 bytes */
export const topicIdOf = (random: Uint8Array): TopicId => base64urlOf(random.subarray(0, 16));

function base64urlOf(bytes: Uint8Array): string {
  const length = Math.ceil((bytes.length * 4) / 3);
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0 && text.length < length; shift -= 6) text += base64url[(bits >> shift) & 63];
  }
  return text;
}

/** The name of a producer by its id, below 2^53: at most 9 characters, since a head holds several. */
export function producerName(id: number): string {
  const known = producerNames.get(id);
  if (known !== undefined) return known;
  let text = '';
  for (let rest = id; rest > 0 || text === ''; rest = Math.floor(rest / 64)) text = `${base64url[rest % 64]}${text}`;
  if (producerNames.size >= maxKnownNames) producerNames.clear();
  producerNames.set(id, text);
  return text;
}

/** Names that were made lately: as keys of a map the same text again is found faster than an equal one. */
const producerNames = new Map<number, string>();
export const maxKnownNames = 4096;

/** The name of the producer that an idempotency key is to one partition: 11 characters, so that no id has it. @param hash at least 8 bytes */
export const keyedProducerName = (hash: Uint8Array): string => base64urlOf(hash.subarray(0, 8));

export const isKeyedProducer = (name: string): boolean => name.length === 11;

export const isTopicId = (text: string): boolean => /^[A-Za-z0-9_-]{22}$/.test(text);

/** FNV-1a: spreads topics over shards; nothing depends on its quality. */
function shardOf(topicId: TopicId): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < topicId.length; i++) hash = Math.imul(hash ^ topicId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % registryShards;
}
