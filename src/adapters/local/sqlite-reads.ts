// Reads and scans, answered on the caller's thread from a connection of its own, so they never wait for writes.
//
// What they show is durable. In WAL mode a commit becomes visible to other connections when its writer publishes
// the new end of the WAL in the shared index (walIndexWriteHdr), and with synchronous=FULL sqlite3WalFrames does so
// only after it has synced the WAL (sqlite.org/wal.html; https://sqlite.org/src/file/src/wal.c; held by a test
// that makes the sync fail: test/adapters/sqlite-durable-first.test.ts). What a killed process left unsynced is
// synced when the ledger is opened (sqlite-schema.ts). So every read is strong, whatever was asked for.

import type { DatabaseSync } from 'node:sqlite';
import type { Item, Key } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import type { ScanPage, ScanRange } from '../../ports/ledger.ts';
import { decodeItem } from './item-codec.ts';
import { failureOf } from './sqlite-schema.ts';

/** A page ends early when its items take this many bytes (I13); its `more` says so. */
const maxPageBytes = 16 * 1024 * 1024;
const [lowest, highest] = ['', '\x7f'];

export type SqliteReads = { read(keys: readonly Key[]): (Item | undefined)[]; scan(range: ScanRange): ScanPage };

export function sqliteReads(db: DatabaseSync): SqliteReads {
  const select = db.prepare('SELECT item FROM items WHERE pk = ? AND sk = ?');
  const range = 'SELECT sk, item FROM items WHERE pk = ? AND sk >= ? AND sk <= ? ORDER BY sk';
  const up = db.prepare(`${range} LIMIT ?`);
  const down = db.prepare(`${range} DESC LIMIT ?`);
  const beyondUp = db.prepare('SELECT 1 FROM items WHERE pk = ? AND sk > ? AND sk <= ? LIMIT 1');
  const beyondDown = db.prepare('SELECT 1 FROM items WHERE pk = ? AND sk < ? AND sk >= ? LIMIT 1');

  function readOne(key: Key): Item | undefined {
    const row = select.get(key.pk, key.sk) as { item: Uint8Array } | undefined;
    return row && decodeItem(key, row.item);
  }

  function scan({ pk, from = lowest, to = highest, descending = false, limit }: ScanRange): ScanPage {
    const items: { sk: string; item: Item }[] = [];
    let bytes = 0;
    for (const row of (descending ? down : up).iterate(pk, from, to, limit)) {
      const { sk, item } = row as { sk: string; item: Uint8Array };
      items.push({ sk, item: decodeItem({ pk, sk }, item) });
      bytes += item.length;
      if (bytes >= maxPageBytes) break;
    }
    const last = items.at(-1)?.sk;
    if (last === undefined) return { items, more: false };
    const beyond = descending ? beyondDown.get(pk, last, from) : beyondUp.get(pk, last, to);
    return { items, more: beyond !== undefined };
  }

  return { read: (keys) => named(() => keys.map(readOne)), scan: (range) => named(() => scan(range)) };
}

function named<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof StoreFailure ? error : failureOf(error, 'none', 'a read of the ledger failed');
  }
}
