// The cursor of a reader of all partitions: the topic's id and a next offset for each partition. Opaque to
// clients: base64url of a version byte, the id, and the offsets as varints. A partition beyond those it holds
// is read from 0.

import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { isTopicId, type TopicId } from './keys.ts';

export type Cursor = { readonly topicId: TopicId; readonly offsets: readonly number[] /** The partition to begin with, so that none starves. */; readonly first: number };

const version = 1;

export function encodeCursor(cursor: Cursor): string {
  const bytes = [version];
  for (const character of cursor.topicId) bytes.push(character.charCodeAt(0));
  for (const value of [cursor.first, cursor.offsets.length, ...cursor.offsets]) {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
  }
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** @throws WadiError invalid_cursor */
export function decodeCursor(text: string): Cursor {
  const bytes = bytesOf(text);
  let at = 23;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw invalid();
      value += (byte & 127) * scale;
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : fail();
    }
    throw invalid();
  };
  const topicId = String.fromCharCode(...bytes.slice(1, 23));
  if (bytes[0] !== version || !isTopicId(topicId)) throw invalid();
  const first = next();
  const count = next();
  if (count > limits.maxPartitions || first > limits.maxPartitions) throw invalid();
  const offsets = Array.from({ length: count }, next);
  const cursor = { topicId, offsets, first };
  // One cursor has one text: whatever reads the same but is written otherwise was not made here.
  if (encodeCursor(cursor) !== text) throw invalid();
  return cursor;
}

function bytesOf(text: string): number[] {
  if (text.length > 4096 || !/^[A-Za-z0-9_-]*$/.test(text)) throw invalid();
  try {
    return Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
  } catch {
    throw invalid();
  }
}

function fail(): never {
  throw invalid();
}

const invalid = (): WadiError => new WadiError('invalid_cursor', 'A cursor is what an earlier answer gave, unchanged. Begin again with from=earliest.');
