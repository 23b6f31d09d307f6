// Records what the clients of the crash test did and saw, as a history (test/support/history.ts). A record's
// text there is short: who sent it, its number, and length and CRC of its bytes, so that a byte that changed
// makes another text.

import { crc32 } from 'node:zlib';
import type { AppendEvent, AppendOutcome, HistoryEvent, Moment, ReadEvent } from '../support/history.ts';
import type { SeededRandom } from '../support/random.ts';

export type Value = { readonly json: string; readonly text: string };

export type Recorder = {
  readonly events: HistoryEvent[];
  /** Answers of the server that the API does not promise, and how often. */
  readonly unexpected: Map<string, number>;
  /** What clients met, by name: for the report, and to prove that the load was real. */
  readonly counts: Map<string, number>;
  moment(): Moment;
  append(event: Omit<AppendEvent, 'kind' | 'ended' | 'outcome'>, outcome: AppendOutcome, how: string): void;
  read(event: Omit<ReadEvent, 'kind' | 'ended'>, how: string): void;
  complain(what: string): void;
  /** A JSON object of about `size` bytes that no other value equals. */
  value(client: string, size: number, random: SeededRandom): Value;
  /** The text of a value as read. */
  textOf(bytes: Buffer): string;
};

const padding = Array.from({ length: 2 ** 18 }, (_, i) => Math.imul(i, 0x9e3779b1).toString(36)).join(' ');

export function createRecorder(): Recorder {
  const events: HistoryEvent[] = [];
  const unexpected = new Map<string, number>();
  const counts = new Map<string, number>();
  const texts = new Map<string, string>();
  const count = (map: Map<string, number>, name: string, by = 1) => map.set(name, (map.get(name) ?? 0) + by);
  let moments = 0;
  let values = 0;
  const fingerprint = (name: string, bytes: Buffer) => `${name} ${bytes.length} ${crc32(bytes).toString(16)}`;
  return {
    events,
    unexpected,
    counts,
    moment: () => ++moments,
    append(event, outcome, how) {
      events.push({ ...event, kind: 'append', ended: ++moments, outcome });
      count(counts, `${outcome.result} records`, event.records.length);
      count(counts, `${outcome.result} appends (${how})`);
    },
    read(event, how) {
      events.push({ ...event, kind: 'read', ended: ++moments });
      count(counts, 'read records', event.records.length);
      count(counts, `pages with records (${how})`, event.records.length > 0 ? 1 : 0);
    },
    complain: (what) => count(unexpected, what),
    value(client, size, random) {
      const name = `${client}.${++values}`;
      const length = Math.max(0, size - name.length - 16);
      const start = random.between(0, padding.length - length);
      const json = JSON.stringify({ id: name, pad: padding.slice(start, start + length) });
      const text = fingerprint(name, Buffer.from(json));
      texts.set(text, text);
      return { json, text };
    },
    textOf(bytes) {
      const name = /^\{"id":"([^"]{1,60})"/.exec(bytes.toString('latin1', 0, 80))?.[1];
      const text = fingerprint(name ?? `? ${bytes.toString('latin1', 0, 40)}`, bytes);
      // One string for all readers of a record: a history of a million records fits in memory.
      return texts.get(text) ?? text;
    },
  };
}
