// Group commits: the payload first, then each partition's append. What is small goes into the ledger together
// with its head; what is larger becomes one object for all partitions that were ready at that moment.

import type { CommitEntry } from '../log/append.ts';
import type { Broker } from './broker.ts';
import type { Lane, Waiting } from './committer.ts';
import { appendDeadline, type Deadline } from './deadline.ts';
import { failureBeforeCommit } from './failures.ts';
import { type Look, lookAhead } from './head-view.ts';
import { type Payload, sendCommit } from './send-commit.ts';
import { putPayload, type Upload, uploadPayload } from './upload.ts';

/** What one partition commits at once. */
export type Group = { readonly lane: Lane; readonly entries: readonly Waiting[] };

/** An entry of a commit that knows who waits for it. */
export type WaitingEntry = CommitEntry & { readonly waiting: Waiting };

/**
 * Answers every entry of every group. Calls `decided` for each group, perhaps more than once, as soon as its
 * outcome is known: just before its entries are answered. Never throws.
 */
export function commitGroups(broker: Broker, groups: readonly Group[], decided: (group: Group) => void): void {
  const large: Group[] = [];
  for (const group of groups) {
    if (bytesOf(group.entries) > broker.policy.inlineMaxBytes) large.push(group);
    else void commitTogether(broker, [group], true, decided);
  }
  if (large.length > 0) void commitTogether(broker, large, false, decided);
}

async function commitTogether(broker: Broker, groups: readonly Group[], inline: boolean, decided: (group: Group) => void): Promise<void> {
  const deadline = appendDeadline(broker);
  try {
    const parts = groups.flatMap(({ entries }) => entries);
    const lanes = groups.map(({ lane }) => lane);
    // A payload that goes together with its commit is not waited for.
    const payload = inline && broker.policy.inlineTogether ? payloadTogether(broker, parts) : await payloadBefore(broker, parts, inline, lanes, deadline);
    let position = 0;
    const commits = groups.map((group) => {
      const start = position;
      position += bytesOf(group.entries);
      return commitPartition(broker, group, payload, start, deadline, () => decided(group)).finally(() => decided(group));
    });
    await Promise.all(commits);
  } catch (error) {
    for (const group of groups) {
      refuse(broker, group, error);
      decided(group);
    }
  } finally {
    deadline.clear();
  }
}

/** Never rejects. */
async function commitPartition(broker: Broker, { lane, entries }: Group, first: Payload, start: number, deadline: Deadline, decided: () => void): Promise<void> {
  let remaining = await sendCommit(broker, lane, first, place(entries, start), deadline, decided);
  // The payload's epoch was closed before the commit: nothing of it stands, so it may go under a new id.
  while (remaining.length > 0) {
    const again = remaining.map(({ waiting }) => waiting);
    try {
      const payload = first.bytes === undefined ? await payloadBefore(broker, again, first.inline, [lane], deadline) : payloadTogether(broker, again);
      remaining = await sendCommit(broker, lane, payload, place(again, 0), deadline, decided);
    } catch (error) {
      return refuse(broker, { lane, entries: again }, error);
    }
  }
}

function payloadTogether(broker: Broker, parts: readonly Waiting[]): Payload {
  return { id: broker.random.bytes(16), epoch: broker.epoch, inline: true, bytes: concat(parts), looks: noLooks };
}

const noLooks: ReadonlyMap<Lane, Look> = new Map();

/** Meanwhile the heads are looked at, once the payload is on its way. */
async function payloadBefore(broker: Broker, parts: readonly Waiting[], inline: boolean, lanes: readonly Lane[], deadline: Deadline): Promise<Payload> {
  const store: (broker: Broker, bytes: Uint8Array, deadline: Deadline) => Promise<Upload> = inline ? putPayload : uploadPayload;
  let stored = false;
  const storing = store(broker, concat(parts), deadline);
  const looks = new Map(lanes.map((lane) => [lane, lookAhead(broker, lane, () => stored)]));
  try {
    return { ...(await storing), inline, bytes: undefined, looks };
  } finally {
    stored = true;
  }
}

function concat(parts: readonly Waiting[]): Uint8Array {
  if (parts.length === 1) return (parts[0] as Waiting).bytes;
  const bytes = new Uint8Array(bytesOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part.bytes, at);
    at += part.bytes.length;
  }
  return bytes;
}

function place(parts: readonly Waiting[], start: number): WaitingEntry[] {
  let position = start;
  return parts.map((waiting) => {
    const { bytes, count, maxTimestamp, expectedOffset, producer } = waiting;
    const entry = { waiting, position, length: bytes.length, count, maxTimestamp, ...(expectedOffset === undefined ? {} : { expectedOffset }), ...(producer === undefined ? {} : { producer }) };
    position += bytes.length;
    return entry;
  });
}

const bytesOf = (parts: readonly Waiting[]): number => parts.reduce((sum, part) => sum + part.bytes.length, 0);

/** Nothing of the entries was sent to the ledger. */
function refuse(broker: Broker, { lane, entries }: Group, cause: unknown): void {
  const error = failureBeforeCommit(cause);
  if (error.code === 'internal') broker.telemetry.report('append_failed', { topicId: lane.topicId, partition: lane.partition }, cause);
  for (const entry of entries) entry.settle({ error });
}
