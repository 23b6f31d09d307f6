// An idempotent producer: batches of records, each sent until it stands, over lost answers and restarts of the server,
// and each once. Records go where their keys lead, as Kafka's clients send them; those without a key go together,
// to another partition with each batch.

import type { Client } from './client.ts';
import { ConnectionFailed, connectionFailed, Problem } from './problem.ts';

export type OutgoingRecord = {
  /** As the API takes it: `{"key"?,"value",…}`, without "partition". */
  readonly json: string;
  readonly key: Uint8Array | undefined;
  readonly partition: number | undefined;
};

/** All that another process needs to go on. */
export type ProducerState = {
  readonly id: number;
  readonly epoch: number;
  /** Of each partition: the sequence of its next record. The partitions are those of the topic when the producer began. */
  readonly next: readonly number[];
  /** Batches so far. */
  readonly batches: number;
};

export type Sent = {
  /** Of the batch's records. */
  readonly acknowledged: number;
  /** That may or may not stand. */
  readonly unknown: number;
  /** Why not all stand, and because of which record, where it is one's fault. */
  readonly failure?: { readonly error: Error; readonly record: number | undefined };
};

export type ProducerOptions = {
  readonly client: Client;
  readonly topic: string;
  /** All records go there. */
  readonly partition?: number | undefined;
  readonly state: ProducerState;
  /** Where a key leads: murmur2 as Kafka's clients have it. */
  readonly partitionForKey: (key: Uint8Array, partitions: number) => number;
  /** For so long a batch is sent again while the server takes nothing. */
  readonly giveUpMs: number;
  /** Called where the server has taken nothing for several tries. */
  readonly onWaiting?: ((error: Error) => void) | undefined;
  /** Aborted: nothing is sent again. */
  readonly signal?: AbortSignal | undefined;
};

export type Producer = {
  /** After a batch that did not stand as a whole nothing more may be sent. */
  send(records: readonly OutgoingRecord[]): Promise<Sent>;
  state(): ProducerState;
};

const sequences = 2 ** 31;
const firstDelayMs = 100;
const longestDelayMs = 2_000;
const triesBeforeWaiting = 4;

export function createProducer({ client, topic, partition: common, state: from, partitionForKey, giveUpMs, onWaiting, signal }: ProducerOptions): Producer {
  const next = [...from.next];
  let batches = from.batches;

  function place({ key, partition }: OutgoingRecord): number {
    return common ?? partition ?? (key === undefined ? batches % next.length : partitionForKey(key, next.length));
  }

  /** @param indexes of the records, in the batch */
  async function sendTo(partition: number, records: readonly OutgoingRecord[], indexes: readonly number[]): Promise<Sent> {
    const body = `{"producer":${JSON.stringify({ id: from.id, epoch: from.epoch, sequence: next[partition] ?? 0 })},"records":[${records.map(({ json }) => json).join(',')}]}`;
    const tried = await sendUntilCertain(`/v1/topics/${encodeURIComponent(topic)}/partitions/${partition}/records`, body);
    if (tried === undefined) {
      next[partition] = ((next[partition] ?? 0) + records.length) % sequences;
      return { acknowledged: records.length, unknown: 0 };
    }
    const { error, unknown } = tried;
    const bad = error instanceof Problem ? error.facts['record'] : undefined;
    if (typeof bad !== 'number') return { acknowledged: 0, unknown: unknown ? records.length : 0, failure: { error, record: undefined } };
    // What stands before the record that is refused is to stand.
    const before = bad === 0 ? { acknowledged: 0, unknown: 0 } : await sendTo(partition, records.slice(0, bad), indexes);
    return { ...before, failure: before.failure ?? { error, record: indexes[bad] } };
  }

  /** Answers why it was given up, and whether the records may stand; undefined: they stand. */
  async function sendUntilCertain(path: string, body: string): Promise<{ readonly error: Error; readonly unknown: boolean } | undefined> {
    const sinceMs = performance.now();
    let unknown = false;
    for (let failures = 0; ; failures++) {
      try {
        const response = await client.send('POST', path, { headers: { 'content-type': 'application/json' }, body });
        await response.arrayBuffer();
        return undefined;
      } catch (thrown) {
        // An answer that breaks off after its status came is none.
        const error = thrown instanceof TypeError ? connectionFailed(client.url, thrown) : thrown;
        if (!(error instanceof Problem || error instanceof ConnectionFailed)) throw error;
        if (error instanceof Problem ? error.sideEffects !== 'none' : !error.beforeConnecting) unknown = true;
        if (error instanceof Problem && !error.retryable && error.status < 502) return { error, unknown };
        if (signal?.aborted === true || performance.now() - sinceMs > giveUpMs) return { error, unknown };
        if (failures === triesBeforeWaiting) onWaiting?.(error);
        await pause(failures, error instanceof Problem ? error.retryAfterMs : undefined, signal);
      }
    }
  }

  return {
    async send(records) {
      const byPartition = new Map<number, number[]>();
      for (const [i, record] of records.entries()) {
        const partition = place(record);
        const there = byPartition.get(partition);
        if (there === undefined) byPartition.set(partition, [i]);
        else there.push(i);
      }
      const sent = await Promise.all(
        [...byPartition].map(([partition, indexes]) =>
          sendTo(
            partition,
            indexes.map((i) => records[i] as OutgoingRecord),
            indexes,
          ),
        ),
      );
      batches++;
      const failure = sent.map((one) => one.failure).find((one) => one !== undefined);
      const sum = (of: 'acknowledged' | 'unknown'): number => sent.reduce((total, one) => total + one[of], 0);
      return { acknowledged: sum('acknowledged'), unknown: sum('unknown'), ...(failure === undefined ? {} : { failure }) };
    },
    state: () => ({ id: from.id, epoch: from.epoch, next: [...next], batches }),
  };
}

/** Longer each time, and never the same for all; ends early where it is aborted. */
function pause(failures: number, atLeastMs: number | undefined, signal: AbortSignal | undefined): Promise<void> {
  const span = Math.min(longestDelayMs, firstDelayMs * 2 ** failures);
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, Math.max(atLeastMs ?? 0, span * (0.5 + Math.random() / 2)));
    signal?.addEventListener('abort', over);
  });
}
