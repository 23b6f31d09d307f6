// The ledger of the embedded home. Calls that arrive while a group is being written form the next one; each call of a
// group is decided by itself and in order (decide.ts), and what the group changes is appended to the journal, durable
// with one call to the disk (journal.ts). Only then is it told, and shown to readers. Small items are copied into
// SQLite at checkpoints, in the background; large ones, such as payloads, stay where they were written.
//
// After a failure that may have left a group on the disk nothing is taken any more until the process starts again.

import { dirname } from 'node:path';
import { InvalidWrite, type Item, type Key, type Write } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { type CheckpointThread, createCheckpoints, startCheckpointThread } from './checkpoints.ts';
import { type Answer, type Changed, decide, nameOf, type Received, receive } from './decide.ts';
import { fileFailure, makeFolder, syncFolder } from './files.ts';
import { decodeItem, joined, maxItemBytes, type Place, staysInJournal, storedTtlOf, ttlOf } from './item-codec.ts';
import { createItemTable, type Entry } from './item-table.ts';
import { openJournal } from './journal.ts';
import { recoverJournal } from './journal-recovery.ts';
import { ledgerReads, readCheckpoint } from './ledger-reads.ts';
import { openReader } from './sqlite-schema.ts';
import { type Waiting, writeQueue } from './write-queue.ts';

const maxWritesTogether = 1000;
/** Of the microtask queue: callers that one answer has set free reach their next write by paths of different length. */
const turnsBeforeGroup = 12;

type LedgerStats = {
  /** That changed something, each with one sync. */
  readonly groups: number;
  readonly groupBytes: number;
  /** Spent waiting for the disk. */
  readonly groupMs: number;
  /** Calls of write and writeAll that were answered. */
  readonly calls: number;
  readonly checkpoints: number;
  readonly checkpointMs: number;
};

export type JournalLedger = Ledger & {
  /** Whether it takes writes: not once it is closed, or a failure stopped it. */
  writable(): boolean;
  stats(): LedgerStats;
  /** Carries out what waits and makes a last checkpoint. Later calls fail with "closed". */
  close(): Promise<void>;
};

/**
 * Opens or creates the database file `databasePath`, whose folder must exist, and the folder `journalPath`; both must
 * belong to this process (data-folder.ts). What the journal holds beyond the last checkpoint is read again.
 * @throws StoreFailure "newer", "corrupt", "full", "unavailable"
 */
export async function openJournalLedger({ databasePath, journalPath }: { readonly databasePath: string; readonly journalPath: string }): Promise<JournalLedger> {
  const thread = await startCheckpointThread(databasePath);
  const undo: (() => unknown)[] = [() => thread.worker.terminate()];
  try {
    await syncFolder(dirname(databasePath));
    await makeFolder(journalPath);
    const reader = openReader(databasePath);
    undo.unshift(() => reader.close());
    const table = createItemTable();
    const saved = readCheckpoint(reader);
    const recovered = await recoverJournal(journalPath, saved.end, saved.live, (items, sequence) => {
      for (const { key, stored } of items) table.set({ key, stored: stored && keep(stored.bytes, stored.place), item: undefined, changedBy: sequence, ttl: stored && storedTtlOf(key, stored.bytes) });
    });
    const journal = await openJournal(journalPath, recovered.file, saved.end);
    const reads = ledgerReads(reader, table, journal);
    return createLedger({ thread, reader, table, journal, reads, saved: saved.end });
  } catch (error) {
    for (const step of undo) await step();
    throw fileFailure(error, 'none', 'cannot open the ledger');
  }
}

type Parts = {
  readonly thread: CheckpointThread;
  readonly reader: ReturnType<typeof openReader>;
  readonly table: ReturnType<typeof createItemTable>;
  readonly journal: Awaited<ReturnType<typeof openJournal>>;
  readonly reads: ReturnType<typeof ledgerReads>;
  readonly saved: ReturnType<typeof readCheckpoint>['end'];
};

function createLedger({ thread, reader, table, journal, reads, saved }: Parts): JournalLedger {
  const queue = writeQueue();
  const stats = { groups: 0, groupBytes: 0, groupMs: 0, calls: 0 };
  let state: 'open' | 'closing' | 'closed' = 'open';
  let stopped: StoreFailure | undefined;
  let scheduled = false;
  let running = false;
  let onIdle: (() => void) | undefined;
  let closed: Promise<void> | undefined;
  const reading = new Set<Promise<unknown>>();
  const checkpoints = createCheckpoints(thread, table, journal, saved, (failure) => {
    stopped ??= failure;
  });

  function schedule(turns = turnsBeforeGroup): void {
    if (turns === 0) {
      scheduled = false;
      void runGroup();
    } else queueMicrotask(() => schedule(turns - 1));
  }

  /** One group at a time; never rejects. */
  async function runGroup(): Promise<void> {
    const group = running ? [] : queue.take();
    if (group.length === 0) return;
    running = true;
    const settle = await carryOut(group);
    running = false;
    queue.done(group);
    // What the answers lead to shares the next group.
    settle();
    if (!queue.empty) scheduleSoon();
    else if (onIdle !== undefined) onIdle();
  }

  function scheduleSoon(): void {
    if (scheduled || running) return;
    scheduled = true;
    schedule();
  }

  /** What is left is to tell the callers. */
  async function carryOut(group: readonly Waiting[]): Promise<() => void> {
    try {
      if (stopped !== undefined) throw new StoreFailure('closed', 'none', `the ledger takes no writes until it is restarted: ${stopped.message}`, stopped);
      await checkpoints.room();
      const { answers, changes } = decide(
        group.map(({ call }) => call),
        lookUp,
      );
      if (changes.size > 0) await store([...changes.values()]);
      return () => {
        for (const [i, waiting] of group.entries()) tell(waiting, answers[i] as Answer);
      };
    } catch (error) {
      const failure = error instanceof StoreFailure ? error : new StoreFailure('unavailable', 'unknown', `a write to the ledger failed: ${String(error)}`, error);
      if (failure.effect === 'unknown') stopped ??= failure;
      return () => {
        for (const { reject } of group) reject(failure);
      };
    }
  }

  async function store(changes: readonly Changed[]): Promise<void> {
    const startMs = performance.now();
    const before = journal.end();
    const places = await journal.append(changes);
    const { sequence, file, position } = journal.end();
    stats.groups++;
    stats.groupBytes += file === before.file ? position - before.position : position;
    stats.groupMs += performance.now() - startMs;
    changes.forEach(({ key, item, encoded, ofPut }, i) => {
      const stored = encoded && (staysInJournal(encoded.bytes) ? (places[i] as Place) : joined(encoded));
      table.set({ key, stored, item: ofPut ? undefined : item, changedBy: sequence, ttl: ttlOf(item) });
    });
    checkpoints.consider();
  }

  function tell({ resolve, reject }: Waiting, answer: Answer): void {
    stats.calls++;
    if (answer.status === 'failed') reject(answer.error);
    else resolve(answer);
  }

  /** As it stands now, to be decided on; the items are shared. */
  function lookUp(key: Key): Item | undefined {
    const found = reads.entry(key);
    return found === undefined || found.stored === undefined ? undefined : (found.item ?? decoded(found));
  }

  function decoded(entry: Entry): Item {
    const { key, stored } = entry;
    if (!(stored instanceof Uint8Array)) return decodeItem(key, journal.readNow(stored as Place));
    entry.item = decodeItem(key, stored);
    return entry.item;
  }

  function submit(writes: readonly Write[]): Promise<Exclude<Answer, { status: 'failed' }>> {
    assertOpen();
    const call: readonly Received[] = receive(writes);
    const answered = queue.add(call);
    scheduleSoon();
    return answered;
  }

  /** The files stay open for it. */
  function underWay<T>(read: Promise<T>): Promise<T> {
    reading.add(read);
    const done = (): void => void reading.delete(read);
    read.then(done, done);
    return read;
  }

  function assertOpen(): void {
    if (state !== 'open') throw new StoreFailure('closed', 'none', 'the ledger is closed');
  }

  async function close(): Promise<void> {
    state = 'closing';
    if (running || !queue.empty) {
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    }
    await Promise.allSettled(reading);
    // The last connection to close puts the WAL away.
    reader.close();
    await checkpoints.close();
    await journal.close();
    state = 'closed';
  }

  return {
    limits: { maxItemBytes, maxWritesTogether },
    async read(keys) {
      assertOpen();
      return underWay(reads.read(keys));
    },
    async scan(range) {
      assertOpen();
      return underWay(reads.scan(range));
    },
    async expired(atS, limit) {
      assertOpen();
      return reads.expired(atS, limit);
    },
    async write(write) {
      const answer = await submit([write]);
      return answer.status === 'applied' ? { applied: true, item: answer.items[0] } : { applied: false, item: answer.outcomes[0]?.item };
    },
    async writeAll(writes) {
      assertTogether(writes);
      if (writes.length === 0) return { applied: true, items: [] };
      const answer = await submit(writes);
      return answer.status === 'applied' ? { applied: true, items: answer.items } : { applied: false, outcomes: answer.outcomes };
    },
    writable: () => state === 'open' && stopped === undefined,
    stats: () => ({ ...stats, ...checkpoints.stats }),
    close: () => (closed ??= close()),
  };
}

/** What the table holds of a replayed item, without keeping all that was read alive. */
function keep(bytes: Uint8Array, place: Place): Uint8Array | Place {
  return staysInJournal(bytes.length) ? place : Uint8Array.from(bytes);
}

function assertTogether(writes: readonly Write[]): void {
  if (writes.length > maxWritesTogether) throw new InvalidWrite(`more than ${maxWritesTogether} writes together`);
  if (new Set(writes.map(({ key }) => nameOf(key))).size < writes.length) throw new InvalidWrite('two writes of a writeAll touch the same item');
}
