// Writes on their way to the writing thread. They are encoded as they arrive, into buffers that then change hands,
// and gathered into groups; one group at a time is with the thread, and what arrives meanwhile forms the next, so
// many writes share one sync. The order of arrival is kept. Bounded (I13): beyond it comes "throttled".

import { InvalidWrite, type Write } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import { type ReceivedAnswer, readAnswer } from './answer-codec.ts';
import { type Cursor, cursor } from './bytes.ts';
import type { Flush } from './sqlite-worker.ts';
import { boundOfEntry, writeEntry } from './write-codec.ts';

const mib = 1024 * 1024;
const maxGroupBytes = 16 * mib;
const maxGroupEntries = 1024;
const maxEntryBytes = 64 * mib;
const maxQueuedBytes = 256 * mib;
const minChunkBytes = 256 * 1024;
const maxPooledBytes = 32 * mib;

type Waiting = { readonly writes: readonly Write[]; readonly resolve: (answer: ReceivedAnswer) => void; readonly reject: (failure: StoreFailure) => void };
type Group = { readonly chunks: Cursor[]; readonly entries: (readonly [chunk: number, start: number, end: number])[]; readonly waiting: Waiting[]; bytes: number };

export type WriteQueue = {
  /** Encodes at once: the caller may change or send its buffers again. @throws InvalidWrite, StoreFailure "throttled". */
  add(writes: readonly Write[]): Promise<ReceivedAnswer>;
  /** The next group, which is then in flight until `settle`; undefined if there is none or one is in flight already. */
  next(): Flush | undefined;
  /** Ends the flight; what it answers hands out the answers, so that the next group can be sent first. */
  settle(answers: Uint8Array, chunks: readonly Uint8Array<ArrayBuffer>[]): () => void;
  /** Rejects everything that waits or is in flight. */
  fail(failure: StoreFailure): void;
  readonly idle: boolean;
};

export function writeQueue(): WriteQueue {
  const groups: Group[] = [];
  const pool: Uint8Array<ArrayBuffer>[] = [];
  let inFlight: Group | undefined;
  let queuedBytes = 0;
  let pooledBytes = 0;

  function chunkOf(bytes: number): Cursor {
    const found = pool.findIndex(({ length }) => length >= bytes);
    if (found < 0) return cursor(new Uint8Array(Math.max(minChunkBytes, bytes)));
    const [chunk] = pool.splice(found, 1) as [Uint8Array<ArrayBuffer>];
    pooledBytes -= chunk.length;
    return cursor(chunk);
  }

  function recycle(chunk: Uint8Array<ArrayBuffer>): void {
    if (pooledBytes + chunk.length > maxPooledBytes) return;
    pool.push(chunk);
    pooledBytes += chunk.length;
  }

  function groupFor(bytes: number): Group {
    const last = groups.at(-1);
    if (last !== undefined && last.entries.length < maxGroupEntries && last.bytes + bytes <= maxGroupBytes) return last;
    const group: Group = { chunks: [], entries: [], waiting: [], bytes: 0 };
    groups.push(group);
    return group;
  }

  function roomIn({ chunks }: Group, bytes: number): Cursor {
    const last = chunks.at(-1);
    if (last !== undefined && last.bytes.length - last.at >= bytes) return last;
    const chunk = chunkOf(bytes);
    chunks.push(chunk);
    return chunk;
  }

  return {
    add(writes) {
      const bytes = boundOfEntry(writes);
      if (bytes > maxEntryBytes) throw new InvalidWrite(`writes that stand together take ${bytes} bytes; at most ${maxEntryBytes} may`);
      if (queuedBytes + bytes > maxQueuedBytes) throw new StoreFailure('throttled', 'none', `${queuedBytes} bytes wait for the ledger already`);
      const group = groupFor(bytes);
      const chunk = roomIn(group, bytes);
      const start = writeEntry(chunk, writes);
      group.entries.push([group.chunks.length - 1, start, chunk.at]);
      group.bytes += bytes;
      queuedBytes += bytes;
      return new Promise((resolve, reject) => group.waiting.push({ writes, resolve, reject }));
    },

    next() {
      if (inFlight !== undefined) return undefined;
      inFlight = groups.shift();
      return inFlight && { kind: 'flush', chunks: inFlight.chunks.map(({ bytes }) => new Uint8Array(bytes.buffer as ArrayBuffer)), entries: inFlight.entries };
    },

    settle(answers, chunks) {
      const { waiting, bytes } = inFlight as Group;
      inFlight = undefined;
      queuedBytes -= bytes;
      for (const chunk of chunks) recycle(chunk);
      return () => {
        const from = cursor(answers);
        for (const { writes, resolve } of waiting) resolve(readAnswer(from, writes));
      };
    },

    fail(failure) {
      for (const group of inFlight === undefined ? groups : [inFlight, ...groups]) for (const { reject } of group.waiting) reject(failure);
      inFlight = undefined;
      groups.length = 0;
      queuedBytes = 0;
    },

    get idle() {
      return inFlight === undefined && groups.length === 0;
    },
  };
}
