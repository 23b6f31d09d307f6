// Reads and scans: what the process knows, over what SQLite holds as of some checkpoint. SQLite is read on the thread
// of the caller, from a connection of its own, so no read waits for a checkpoint. Everything in either is durable, so
// every read is strong, whatever was asked for.

import type { DatabaseSync } from 'node:sqlite';
import type { Item, Key } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import type { ScanPage, ScanRange } from '../../ports/ledger.ts';
import { decodeItem, decodePlace, type Place } from './item-codec.ts';
import type { Entry, ItemTable, Stored } from './item-table.ts';
import type { Journal, JournalPosition } from './journal.ts';
import { failureOf } from './sqlite-schema.ts';

/** A page ends early when its items take this many bytes (I13); its `more` says so. */
const maxPageBytes = 16 * 1024 * 1024;
const maxAttempts = 4;
const maxChunkRows = 256;
const [lowest, highest] = ['', '\x7f'];
/** Just above a sort key: sort keys are printable, so none lies between. */
const after = (sk: string): string => `${sk}\x01`;

export type LedgerReads = {
  /** What is known of the item, from the table or from SQLite. @throws StoreFailure */
  entry(key: Key): Entry | undefined;
  read(keys: readonly Key[]): Promise<(Item | undefined)[]>;
  scan(range: ScanRange): Promise<ScanPage>;
  /** Of what SQLite has; what it has not yet expires later. @throws StoreFailure */
  expired(atS: number, limit: number): Key[];
};

export function ledgerReads(db: DatabaseSync, table: ItemTable, journal: Journal): LedgerReads {
  const select = db.prepare('SELECT item FROM items WHERE pk = ? AND sk = ?');
  const range = 'SELECT sk, item FROM items WHERE pk = ? AND sk >= ? AND sk < ? ORDER BY sk';
  const selectExpired = db.prepare('SELECT pk, sk FROM items WHERE ttl <= ? ORDER BY ttl');
  const [up, down] = [db.prepare(`${range} LIMIT ?`), db.prepare(`${range} DESC LIMIT ?`)];

  function entry(key: Key): Entry | undefined {
    const known = table.get(key);
    if (known !== undefined) return known;
    const row = named(() => select.get(key.pk, key.sk)) as { item: Uint8Array } | undefined;
    if (row === undefined) return undefined;
    const place = decodePlace(key, row.item);
    // What is kept is whole.
    const found: Entry = { key, stored: place ?? row.item, item: place === undefined ? decodeItem(key, row.item) : undefined, changedBy: 0 };
    table.set(found);
    return found;
  }

  async function readOne(key: Key): Promise<Item | undefined> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const found = entry(key);
      const item = found === undefined || found.stored === undefined ? undefined : await load(found);
      // Where the file of an item is gone, the item has been replaced or removed meanwhile.
      if (item !== 'moved') return item;
    }
    throw new StoreFailure('corrupt', 'none', `the ledger item ${key.pk} / ${key.sk} lies in a journal file that is gone; restore it from a backup`);
  }

  /** In memory of its own: whoever reads may write into it. */
  async function load({ key, stored }: Entry): Promise<Item | 'moved'> {
    if (stored instanceof Uint8Array) return decodeItem(key, Uint8Array.from(stored));
    const bytes = await journal.read(stored as Place);
    return bytes === undefined ? 'moved' : decodeItem(key, bytes);
  }

  /** What SQLite has, in order, read some rows at a time: first as many as are likely to be asked for. */
  function* rows({ pk, from = lowest, to = highest, descending = false }: ScanRange, likely: number): Generator<Entry> {
    let [first, beyond] = [from, after(to)];
    for (let chunk = Math.min(likely, maxChunkRows); ; chunk = maxChunkRows) {
      const found = (descending ? down : up).all(pk, first, beyond, chunk) as { sk: string; item: Uint8Array }[];
      for (const { sk, item } of found) {
        const key = { pk, sk };
        yield { key, stored: decodePlace(key, item) ?? item, item: undefined, changedBy: 0 };
      }
      const last = found.at(-1)?.sk;
      if (last === undefined || found.length < chunk) return;
      if (descending) beyond = last;
      else first = after(last);
    }
  }

  /** The entries of a page as of now, and whether there are more. */
  function page(scan: ScanRange): { found: Entry[]; more: boolean } {
    const { pk, from = lowest, to = highest, descending = false, limit } = scan;
    const known = table.range(pk, from, to);
    if (descending) known.reverse();
    const found: Entry[] = [];
    let bytes = 0;
    for (const next of merged(known, rows(scan, limit + known.length + 1), descending)) {
      if (next.stored === undefined) continue;
      if (found.length >= limit || bytes >= maxPageBytes) return { found, more: true };
      found.push(next);
      bytes += sizeOf(next.stored);
    }
    return { found, more: false };
  }

  async function scan(range: ScanRange): Promise<ScanPage> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const { found, more } = named(() => page(range));
      const items: { sk: string; item: Item }[] = [];
      for (const entry of found) {
        const item = await load(entry);
        if (item === 'moved') break;
        items.push({ sk: entry.key.sk, item });
      }
      if (items.length === found.length) return { items, more };
    }
    throw new StoreFailure('corrupt', 'none', `items of ${range.pk} lie in a journal file that is gone; restore it from a backup`);
  }

  function expired(atS: number, limit: number): Key[] {
    return named(() => {
      const found: Key[] = [];
      for (const row of selectExpired.iterate(atS)) {
        const key = row as Key;
        // What was changed since is told when SQLite has it.
        if ((table.get(key)?.changedBy ?? 0) > 0) continue;
        found.push({ pk: key.pk, sk: key.sk });
        if (found.length === limit) break;
      }
      return found;
    });
  }

  return { entry, read: (keys) => Promise.all(keys.map(readOne)), scan, expired };
}

/** Both in the same order; of two of one key that of the table, which is newer or the same. */
function* merged(known: readonly Entry[], rows: Generator<Entry>, descending: boolean): Generator<Entry> {
  let at = 0;
  for (const row of rows) {
    for (let next = known[at]; next !== undefined && (descending ? next.key.sk > row.key.sk : next.key.sk < row.key.sk); next = known[at]) {
      yield next;
      at++;
    }
    const same = known[at];
    if (same?.key.sk === row.key.sk) {
      yield same;
      at++;
    } else yield row;
  }
  yield* known.slice(at);
}

const sizeOf = (stored: NonNullable<Stored>): number => (stored instanceof Uint8Array ? stored.length : stored.bytes);

/** Up to where the journal is in SQLite, and in which of its files items lie. */
export function readCheckpoint(db: DatabaseSync): { end: JournalPosition; live: ReadonlySet<number> } {
  return named(() => {
    const end = db.prepare('SELECT file, position, sequence FROM journal').get() as JournalPosition;
    const live = db.prepare('SELECT file FROM journal_files WHERE live_bytes > 0').all() as { file: number }[];
    return { end: { ...end }, live: new Set(live.map(({ file }) => file)) };
  });
}

function named<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof StoreFailure ? error : failureOf(error, 'none', 'a read of the ledger failed');
  }
}
