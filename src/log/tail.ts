// The work that is left for the tail of a partition (docs/PROTOCOL.md, 2.13).

import { formatVersion } from './format.ts';
import type { Head } from './head.ts';
import { type TopicId, tailWorkKey } from './keys.ts';
import type { Write } from './write.ts';

/** Every commit lies in a sealed run. */
export const isAtRest = ({ previous, current }: Head): boolean => previous.length === 0 && current.length === 0;

/**
 * Due when nothing can have been appended for `idleMs`, at a multiple of it: what several put at about the same time is one
 * item. @param nextOffset where the tail ends now
 */
export function planTailWork(topicId: TopicId, partition: number, nextOffset: number, nowMs: number, idleMs: number): Write {
  const dueMs = Math.ceil((nowMs + idleMs) / idleMs) * idleMs;
  return { key: tailWorkKey(topicId, partition, dueMs), action: 'put', guards: [], item: { fv: formatVersion, why: 'tail', nx: nextOffset } };
}
