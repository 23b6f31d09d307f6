// What the writing thread does: many entries (a write, or the writes of a writeAll), each decided by itself and in
// order against the state that the ones before it left, then stored in one SQLite transaction with one sync. A
// refused entry leaves nothing, for everything is decided before anything is stored.
//
// When a transaction fails. Before COMMIT it is rolled back and its writes did not happen ("none"). COMMIT in WAL
// mode appends frames, the last of which bears the commit mark, and syncs. Where an append finds no space
// (SQLITE_FULL) the mark is not on disk whole, no recovery accepts a frame without its checksum, and the next
// transaction writes over it: after the rollback that is "none" too. Any other failure of COMMIT may have left the
// mark on disk ("unknown"), and after a failed sync the kernel may have dropped dirty pages and call the next sync
// a success: nothing can be trusted, so the store stops and refuses all further writes until the process starts
// again and recovers from what the disk truly holds. The same holds for a failed checkpoint, save for a full disk.

import { applyWrite } from '../../log/apply-write.ts';
import { InvalidWrite, type Item, type Key } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import { decodeItem, encodeItem, sealItem } from './item-codec.ts';
import { failureOf, isFull, openWriter, pageBytes } from './sqlite-schema.ts';
import type { ReceivedWrite } from './write-codec.ts';

export const maxItemBytes = 16 * 1024 * 1024;
/**
 * The WAL is checkpointed when about this much was written to it, after the answer has been sent. A compromise:
 * appends of 100 KB went at 0.51 of the null server's rate with 16 MiB and at 0.63 with 64 MiB (3 pairs each on a busy machine),
 * but the longer stall took the 99th percentile from 80 to 220 ms.
 */
const checkpointBytes = 32 * 1024 * 1024;
/** After a checkpoint that did not get through: how much may be written before the next try. */
const retryCheckpointBytes = 4 * 1024 * 1024;
/** Pages that storing one item dirties besides its content, at a guess. */
const pagesBeside = 2;
const maxCachedItems = 4096;
const maxCachedItemBytes = 16 * 1024;

/** An image in an answer: none, an item as stored, or that of the put itself, which the caller has. */
export type Image = undefined | Uint8Array | 'put';

export type Answer =
  | { readonly status: 'applied'; readonly images: readonly Image[] }
  | { readonly status: 'refused'; readonly parts: readonly { readonly applied: boolean; readonly image: Image }[] }
  | { readonly status: 'invalid'; readonly message: string }
  | { readonly status: 'failed'; readonly failure: StoreFailure };

export type StoreStats = { transactions: number; checkpoints: number; checkpointMs: number };

export type SqliteStore = {
  /** One transaction. An answer for each entry; never throws. */
  run(entries: readonly (readonly ReceivedWrite[])[]): Answer[];
  checkpointIfDue(): void;
  /** Whether a failure stopped it: it then refuses all writes. */
  stopped(): boolean;
  readonly stats: StoreStats;
  close(): void;
};

/** What is known of one item within a transaction, and of often used ones between transactions. */
type Slot = { readonly key: Key; item: Item | undefined; readonly stored: Uint8Array | undefined; readonly ofPut: boolean };

/** @throws StoreFailure as `openWriter`. */
export function openSqliteStore(path: string, db = openWriter(path)): SqliteStore {
  const select = db.prepare('SELECT item FROM items WHERE pk = ? AND sk = ?');
  const upsert = db.prepare('INSERT INTO items VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET item = excluded.item');
  const remove = db.prepare('DELETE FROM items WHERE pk = ? AND sk = ?');
  const [begin, commit, rollback] = [db.prepare('BEGIN'), db.prepare('COMMIT'), db.prepare('ROLLBACK')];
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  const stats: StoreStats = { transactions: 0, checkpoints: 0, checkpointMs: 0 };
  /** Least recently used first. Only this connection writes, and only a commit puts slots here, so they are what SQLite holds. */
  const cache = new Map<string, Slot>();
  let sinceCheckpointBytes = 0;
  let stopped: StoreFailure | undefined;

  function run(entries: readonly (readonly ReceivedWrite[])[]): Answer[] {
    if (stopped !== undefined) return all(entries, new StoreFailure('closed', 'none', `the ledger takes no writes until it is restarted: ${stopped.message}`));
    const touched = new Map<string, Slot>();
    const changed = new Set<string>();
    let committing = false;
    try {
      begin.run();
      const answers = entries.map((entry) => decide(entry, touched, changed));
      for (const name of changed) store(touched.get(name) as Slot);
      committing = true;
      commit.run();
      if (changed.size > 0) stats.transactions++;
      remember(touched);
      return answers;
    } catch (error) {
      const failure = recover(error, committing);
      // A damaged page fails those who need it, not those who happened to share their transaction.
      if (failure.reason === 'corrupt' && failure.effect === 'none' && entries.length > 1) return entries.flatMap((entry) => run([entry]));
      return all(entries, failure);
    }
  }

  function recover(error: unknown, committing: boolean): StoreFailure {
    const full = isFull(error);
    const known = !committing || full;
    // A checkpoint lets the WAL begin again in the space that it has, so that deletions get through.
    if (full) sinceCheckpointBytes = checkpointBytes;
    try {
      if (db.isTransaction) rollback.run();
      if (known) return failureOf(error, 'none', 'a write to the ledger failed');
    } catch {
      // Then nothing is known of this connection any more.
    }
    stopped = failureOf(error, 'unknown', 'a write to the ledger failed');
    return stopped;
  }

  function decide(entry: readonly ReceivedWrite[], touched: Map<string, Slot>, changed: Set<string>): Answer {
    try {
      const slots = entry.map(({ write }) => slotOf(write.key, touched));
      const outcomes = entry.map(({ write }, i) => applyWrite(itemOf(slots[i] as Slot), write));
      if (outcomes.some(({ applied }) => !applied)) {
        return { status: 'refused', parts: outcomes.map(({ applied }, i) => ({ applied, image: applied ? undefined : slots[i]?.stored })) };
      }
      const next = entry.map(({ write, put }, i) => nextSlot(slots[i] as Slot, outcomes[i]?.item, write.action, put));
      next.forEach((slot, i) => {
        const name = nameOf(slot.key);
        touched.set(name, slot);
        if (slot !== slots[i]) changed.add(name);
      });
      return { status: 'applied', images: next.map(({ stored }, i) => (entry[i]?.put === undefined ? stored : 'put')) };
    } catch (error) {
      if (error instanceof InvalidWrite) return { status: 'invalid', message: error.message };
      if (error instanceof StoreFailure) return { status: 'failed', failure: error };
      throw error;
    }
  }

  function slotOf(key: Key, touched: Map<string, Slot>): Slot {
    const name = nameOf(key);
    const known = touched.get(name) ?? cache.get(name);
    if (known !== undefined) return known;
    const stored = (select.get(key.pk, key.sk) as { item: Uint8Array } | undefined)?.item;
    const slot: Slot = { key, item: undefined, stored, ofPut: false };
    touched.set(name, slot);
    return slot;
  }

  function store({ key, stored }: Slot): void {
    if (stored === undefined) remove.run(key.pk, key.sk);
    else upsert.run(key.pk, key.sk, stored);
    sinceCheckpointBytes += (stored?.length ?? 0) + pagesBeside * pageBytes;
  }

  function remember(touched: Map<string, Slot>): void {
    for (const [name, slot] of touched) {
      cache.delete(name);
      if (slot.item !== undefined && !slot.ofPut && (slot.stored?.length ?? 0) <= maxCachedItemBytes) cache.set(name, slot);
    }
    for (const name of cache.keys()) {
      if (cache.size <= maxCachedItems) break;
      cache.delete(name);
    }
  }

  function checkpointIfDue(): void {
    if (sinceCheckpointBytes < checkpointBytes || stopped !== undefined) return;
    const startMs = performance.now();
    try {
      // PASSIVE never waits. Readers hold no transaction between calls, so it nearly always gets through, and the
      // next transaction then starts the WAL file from its beginning.
      const { log, checkpointed } = checkpoint.get() as { log: number; checkpointed: number };
      sinceCheckpointBytes = checkpointed >= log ? 0 : checkpointBytes - retryCheckpointBytes;
    } catch (error) {
      if (!isFull(error)) stopped = failureOf(error, 'unknown', 'a checkpoint of the ledger failed');
      sinceCheckpointBytes = checkpointBytes - retryCheckpointBytes;
    }
    stats.checkpoints++;
    stats.checkpointMs += performance.now() - startMs;
  }

  function close(): void {
    // Closing the last connection checkpoints as well, but after a failure the WAL must stay as it is for recovery.
    if (stopped === undefined) db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
  }

  return { run, checkpointIfDue, stopped: () => stopped !== undefined, stats, close };
}

function all(entries: readonly unknown[], failure: StoreFailure): Answer[] {
  return entries.map(() => ({ status: 'failed', failure }));
}

function itemOf(slot: Slot): Item | undefined {
  if (slot.item === undefined && slot.stored !== undefined) {
    // A put's bytes lie in a buffer that goes back to the other thread; what is decoded may be kept.
    slot.item = decodeItem(slot.key, slot.ofPut ? Uint8Array.from(slot.stored) : slot.stored);
  }
  return slot.item;
}

/** @throws InvalidWrite where the new item cannot be stored. */
function nextSlot(slot: Slot, item: Item | undefined, action: string, put: Uint8Array | undefined): Slot {
  const { key } = slot;
  if (action === 'check' || (item === undefined && slot.stored === undefined)) return slot;
  const stored = put === undefined ? item && encodeItem(key, item) : sealItem(key, put);
  if (stored !== undefined && stored.length + key.pk.length + key.sk.length > maxItemBytes) throw new InvalidWrite(`an item is larger than ${maxItemBytes} bytes`);
  return { key, item: put === undefined ? item : undefined, stored, ofPut: put !== undefined };
}

function nameOf({ pk, sk }: Key): string {
  return `${pk}\0${sk}`;
}
