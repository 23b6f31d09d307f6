// Opening the SQLite database of the ledger: its tables, its settings and what its error codes mean to us.

import { DatabaseSync } from 'node:sqlite';
import { StoreFailure } from '../../ports/failure.ts';

/** `PRAGMA user_version`; raised when the tables or the meaning of their columns change. Version 1 had no journal, and every item in SQLite; version 2 no times to live. */
const schemaVersion = 3;
const writerCacheKib = 16 * 1024;
const readerCacheKib = 16 * 1024;

const tables = `
  CREATE TABLE IF NOT EXISTS items (pk TEXT NOT NULL, sk TEXT NOT NULL, item BLOB NOT NULL, ttl INTEGER, PRIMARY KEY (pk, sk));
  CREATE TABLE IF NOT EXISTS journal (file INTEGER NOT NULL, position INTEGER NOT NULL, sequence INTEGER NOT NULL);
  INSERT INTO journal SELECT 1, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM journal);
  CREATE TABLE IF NOT EXISTS journal_files (file INTEGER PRIMARY KEY, live_bytes INTEGER NOT NULL);
`;
const withTtl = 'CREATE INDEX IF NOT EXISTS items_by_ttl ON items (ttl) WHERE ttl IS NOT NULL;';

/** Primary result codes, https://sqlite.org/rescode.html. */
const primary = { ioErr: 10, corrupt: 11, full: 13, notADb: 26 };

/** The one connection that writes. @throws StoreFailure "newer" for a schema of the future, "corrupt", "full", "unavailable". */
export function openWriter(path: string): DatabaseSync {
  return opened(path, () => {
    const db = new DatabaseSync(path, { timeout: 5000 });
    try {
      refuseNewer(path, db);
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA cache_size = -${writerCacheKib}`);
      db.exec(`BEGIN IMMEDIATE; ${tables}`);
      const hasTtl = db.prepare("SELECT 1 FROM pragma_table_info('items') WHERE name = 'ttl'").get() !== undefined;
      if (!hasTtl) db.exec('ALTER TABLE items ADD COLUMN ttl INTEGER');
      db.exec(`${withTtl} PRAGMA user_version = ${schemaVersion}; COMMIT`);
      // A process that was killed between writing a commit and syncing it leaves a WAL whose last commits this
      // opening has just recovered, though no sync vouches for them. A checkpoint syncs the WAL before it copies
      // it, so nothing is served from here on that a power cut could still take back.
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** A connection for reads beside that of the thread which writes checkpoints; that one must be open. */
export function openReader(path: string): DatabaseSync {
  return opened(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    db.exec(`PRAGMA cache_size = -${readerCacheKib}; PRAGMA cell_size_check = ON`);
    return db;
  });
}

function refuseNewer(path: string, db: DatabaseSync): void {
  const found = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  if (found <= schemaVersion) return;
  throw new StoreFailure('newer', 'none', `${path} has schema version ${found}; this version of Wadi knows ${schemaVersion}: start a newer one`);
}

function opened(path: string, open: () => DatabaseSync): DatabaseSync {
  try {
    return open();
  } catch (error) {
    throw error instanceof StoreFailure ? error : failureOf(error, 'none', `cannot open ${path}`);
  }
}

/** A failure of SQLite by its result code. `effect` is what the caller knows of its write. */
export function failureOf(error: unknown, effect: 'none' | 'unknown', what: string): StoreFailure {
  const code = primaryCode(error);
  const detail = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  if (code === primary.full) return new StoreFailure('full', effect, `${detail}; make space on the disk`, error);
  if (code === primary.corrupt || code === primary.notADb) return new StoreFailure('corrupt', effect, `${detail}; restore it from a backup`, error);
  return new StoreFailure('unavailable', effect, detail, error);
}

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}
