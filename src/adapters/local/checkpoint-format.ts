// A checkpoint on its way to the thread that writes it into SQLite: what changed, as bytes in one buffer that changes
// hands without a copy.

import type { Key } from '../../log/write.ts';
import { boundOfText, cursor, readByte, readBytes, readText, readVarint, writeBytes, writeText, writeVarint } from './bytes.ts';
import { encodePlace } from './item-codec.ts';
import type { Entry } from './item-table.ts';
import type { JournalPosition } from './journal.ts';

/** An item as SQLite is to hold it; undefined: not at all. */
export type Row = { readonly key: Key; readonly stored: Uint8Array | undefined; readonly ttl?: number | undefined };

export type Checkpoint = { readonly kind: 'checkpoint'; readonly rows: Uint8Array<ArrayBuffer> /** Everything before it is in the rows, or in SQLite. */; readonly end: JournalPosition };

const slack = 64;

export function encodeRows(entries: Iterable<Entry>): Uint8Array<ArrayBuffer> {
  const rows = [...entries].map(({ key, stored, ttl }) => ({ key, ttl, stored: stored === undefined || stored instanceof Uint8Array ? stored : encodePlace(key, stored) }));
  const to = cursor(new Uint8Array(rows.reduce((bound, { key, stored }) => bound + slack + boundOfText(key.pk) + boundOfText(key.sk) + (stored?.length ?? 0), slack)));
  writeVarint(to, rows.length);
  for (const { key, stored, ttl } of rows) {
    to.bytes[to.at++] = stored === undefined ? 0 : ttl === undefined ? 1 : 2;
    if (ttl !== undefined && stored !== undefined) writeVarint(to, ttl);
    writeText(to, key.pk);
    writeText(to, key.sk);
    if (stored !== undefined) writeBytes(to, stored);
  }
  return new Uint8Array(to.bytes.buffer as ArrayBuffer, 0, to.at);
}

export function* decodeRows(bytes: Uint8Array): Generator<Row> {
  const from = cursor(bytes);
  for (let left = readVarint(from); left > 0; left--) {
    const form = readByte(from);
    const ttl = form === 2 ? readVarint(from) : undefined;
    const key = { pk: readText(from), sk: readText(from) };
    yield { key, ttl, stored: form === 0 ? undefined : readBytes(from) };
  }
}
