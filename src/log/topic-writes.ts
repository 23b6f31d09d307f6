// The life of a topic as writes: create, grow, change, delete (docs/PROTOCOL.md, 2.11). A topic exists from the
// moment at which its name leads to it; nothing before that moment can be seen, nothing after it is repaired.

import { encodeTotals, formatVersion, noTotals } from './format.ts';
import { newHead } from './head.ts';
import { epochsKey, headKey, manifestKey, registryKey, type TopicId, topicKey, topicNameKey, workKey } from './keys.ts';
import { type Topic, type TopicConfig, topicItem } from './topic.ts';
import { absent, add, equals, exists, type Item, set, type Write } from './write.ts';

/** The first start of a cluster: upload epoch 1 is open. */
export const planFirstEpoch: Write = { key: epochsKey, action: 'put', guards: [absent('ep')], item: { fv: formatVersion, ep: 1, cz: 1 } };

/** Together: the topic, not yet named, and the work item that clears it away should its maker die. */
export function planBeginCreate(topic: Topic, abandonedAtMs: number): Write[] {
  return [
    { key: topicKey(topic.id), action: 'put', guards: [absent('st')], item: topicItem(topic) },
    { key: workKey(topic.id, abandonedAtMs), action: 'put', guards: [], item: { fv: formatVersion, why: 'abandoned' } },
  ];
}

/** Writes per partition in `planHeads`, besides its two checks. */
const writesPerHead = 3;
const checksBeforeHeads = 2;

export const headsTogether = (maxWritesTogether: number): number => Math.floor((maxWritesTogether - checksBeforeHeads) / writesPerHead);

/** Where among the writes of `planHeads` the head of its i-th partition stands. */
export const headAt = (i: number): number => checksBeforeHeads + writesPerHead * i + 1;

/**
 * Together: registry entries, heads and manifests of some partitions. Refused when an epoch is being
 * closed meanwhile (then read the epochs again), so that no head is missed by a collector; and when the topic
 * is being deleted, so that no head is left behind.
 */
export function planHeads(topicId: TopicId, state: Topic['state'], partitions: readonly number[], lowestOpenEpoch: number): Write[] {
  const writes: Write[] = [
    { key: epochsKey, action: 'check', guards: [equals('cz', lowestOpenEpoch)] },
    { key: topicKey(topicId), action: 'check', guards: [equals('st', state)] },
  ];
  for (const partition of partitions) {
    writes.push(
      { key: registryKey(topicId, partition), action: 'put', guards: [], item: { fv: formatVersion } },
      { key: headKey(topicId, partition), action: 'put', guards: [absent('nx')], item: newHead(lowestOpenEpoch) },
      { key: manifestKey(topicId, partition), action: 'put', guards: [absent('ls')], item: newManifest(lowestOpenEpoch - 1) },
    );
  }
  return writes;
}

function newManifest(cleanEpoch: number): Item {
  return { fv: formatVersion, ls: 0, ct: 0, cl: cleanEpoch, by: 0, ob: 0, tl: encodeTotals(noTotals) };
}

/** Together: the moment at which the topic exists. Refused where the name is taken, or where the work item came first. */
export function planName(topic: Topic, abandonedAtMs: number): Write[] {
  return [
    { key: topicNameKey(topic.name), action: 'put', guards: [absent('u')], item: { fv: formatVersion, u: topic.id } },
    { key: topicKey(topic.id), action: 'update', guards: [equals('st', 'creating')], changes: [set('st', 'live')] },
    { key: workKey(topic.id, abandonedAtMs), action: 'delete', guards: [] },
  ];
}

export function planGrow(topic: Topic, partitions: number): Write {
  return { key: topicKey(topic.id), action: 'update', guards: [equals('np', topic.partitions), equals('st', 'live')], changes: [set('np', partitions)] };
}

export function planConfig(topic: Topic, config: TopicConfig): Write {
  return { key: topicKey(topic.id), action: 'update', guards: [equals('cv', topic.configVersion), equals('st', 'live')], changes: [set('cfg', config), add('cv', 1)] };
}

/** Together: the topic takes no more partitions or settings, and a work item sees the deletion through. */
export function planBeginDelete(topicId: TopicId, from: 'live' | 'creating', dueMs: number): Write[] {
  return [
    { key: topicKey(topicId), action: 'update', guards: [equals('st', from)], changes: [set('st', 'deleting')] },
    { key: workKey(topicId, dueMs), action: 'put', guards: [], item: { fv: formatVersion, why: 'delete' } },
  ];
}

/**
 * All that stays of a deleted topic, for ever: without it, the transactions of its creation, carried out once more
 * after everything was cleared away, would make it anew.
 */
export function planTombstone({ id, name }: Topic): Write {
  return { key: topicKey(id), action: 'put', guards: [equals('st', 'deleting')], item: { fv: formatVersion, name, st: 'deleted', np: 0, cfg: {}, cv: 0 } };
}

/** From here on the head refuses every append. */
export function planCloseHead(topicId: TopicId, partition: number): Write {
  return { key: headKey(topicId, partition), action: 'update', guards: [exists('nx')], changes: [set('dl', 1)] };
}

/** The name is free again, unless it already leads to another topic. */
export function planUnname(topic: Topic): Write {
  return { key: topicNameKey(topic.name), action: 'delete', guards: [equals('u', topic.id)] };
}
