// Checkpoints: what changed since the last one goes into SQLite in one transaction, together with the place in the
// journal up to which it is complete, and how many bytes of items still stand in each journal file. A transaction that
// is lost in a crash is made again from the journal, which is why nothing here is hurried.

import type { Key } from '../../log/write.ts';
import type { Row } from './checkpoint-format.ts';
import { decodePlace, type Place } from './item-codec.ts';
import type { JournalPosition } from './journal.ts';
import { failureOf, openWriter } from './sqlite-schema.ts';

export type CheckpointStore = {
  /** Durable when it returns. Answers the journal files before `end` in which nothing stands any more. @throws StoreFailure, and then nothing was changed */
  save(rows: Iterable<Row>, end: JournalPosition): number[];
  close(): void;
};

/** @throws StoreFailure as `openWriter` */
export function openCheckpointStore(path: string): CheckpointStore {
  const db = openWriter(path);
  const select = db.prepare('SELECT item FROM items WHERE pk = ? AND sk = ?');
  const upsert = db.prepare('INSERT INTO items (pk, sk, item, ttl) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET item = excluded.item, ttl = excluded.ttl');
  const remove = db.prepare('DELETE FROM items WHERE pk = ? AND sk = ?');
  const count = db.prepare('INSERT INTO journal_files VALUES (?, ?) ON CONFLICT DO UPDATE SET live_bytes = live_bytes + excluded.live_bytes');
  const selectEnd = db.prepare('SELECT file FROM journal');
  const move = db.prepare('UPDATE journal SET file = ?, position = ?, sequence = ?');
  const selectDead = db.prepare('SELECT file FROM journal_files WHERE live_bytes = 0 AND file < ?');
  const removeDead = db.prepare('DELETE FROM journal_files WHERE live_bytes = 0 AND file < ?');
  const [begin, commit, rollback] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT'), db.prepare('ROLLBACK')];

  function saveAll(rows: Iterable<Row>, end: JournalPosition): number[] {
    const live = new Map<number, number>();
    const add = (file: number, bytes: number) => live.set(file, (live.get(file) ?? 0) + bytes);
    for (const { key, stored, ttl } of rows) {
      const before = (select.get(key.pk, key.sk) as { item: Uint8Array } | undefined)?.item;
      const placeBefore = before && placeOf(key, before);
      if (placeBefore !== undefined) add(placeBefore.file, -placeBefore.bytes);
      const place = stored && decodePlace(key, stored);
      if (place !== undefined) add(place.file, place.bytes);
      if (stored !== undefined) upsert.run(key.pk, key.sk, stored, ttl ?? null);
      else if (before !== undefined) remove.run(key.pk, key.sk);
    }
    // Every file that was written to is counted, so that one in which nothing stands is known, too.
    for (let { file } = selectEnd.get() as { file: number }; file <= end.file; file++) add(file, 0);
    for (const [file, bytes] of live) count.run(file, bytes);
    move.run(end.file, end.position, end.sequence);
    const dead = selectDead.all(end.file).map((row) => (row as { file: number }).file);
    removeDead.run(end.file);
    return dead;
  }

  return {
    save(rows, end) {
      try {
        begin.run();
        const dead = saveAll(rows, end);
        commit.run();
        return dead;
      } catch (error) {
        try {
          if (db.isTransaction) rollback.run();
        } catch {
          // Then the next call fails, too, and says why.
        }
        throw failureOf(error, 'none', 'a checkpoint of the ledger failed');
      }
    },
    close() {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      db.close();
    },
  };
}

/** A damaged row is replaced like any other; the file that it pointed to then stays longer than it need. */
function placeOf(key: Key, stored: Uint8Array): Place | undefined {
  try {
    return decodePlace(key, stored);
  } catch {
    return undefined;
  }
}
