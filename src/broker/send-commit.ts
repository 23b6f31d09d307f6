// One partition's append, sent until its outcome is certain (docs/PROTOCOL.md, 2.1). Every entry is answered
// once, and only with what is known: acknowledged when the commit is durable (I3), refused when it can never
// stand (I4), else `append_unknown`.

import { afterRefusal, type Commit, countOf, type Landed, type LeftOut, leftOut, placeEntries, planAppend, planPayload, sameId } from '../log/append.ts';
import type { Head } from '../log/head.ts';
import { headKey } from '../log/keys.ts';
import type { ProducerStates } from '../log/producers.ts';
import { isElected } from '../log/seal.ts';
import type { Item } from '../log/write.ts';
import { StoreFailure } from '../ports/failure.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { helpsToRotate, isCrowded, pauseBeforeLook } from './admission.ts';
import type { Broker } from './broker.ts';
import type { WaitingEntry } from './commit.ts';
import type { AppendResult, Lane } from './committer.ts';
import { backoff, type Deadline, TimedOut, within } from './deadline.ts';
import { readEpochs } from './epochs.ts';
import { appendUnknown, failureBeforeCommit, outOfOrder, partitionBusy, producerFenced, topicGone } from './failures.ts';
import { freshView, type Look, lookAgain, readHead, remember } from './head-view.ts';
import { leaveTailWork } from './idle-tail.ts';
import { statesAt } from './producer-states.ts';
import { rotateBehind, sealAndRotate } from './seal.ts';
import { searchRuns } from './search-runs.ts';
import { isWorthRetrying } from './upload.ts';
import { partitionChannel, topicChannel } from './wait.ts';

export type Payload = {
  readonly id: Uint8Array;
  readonly epoch: number;
  readonly inline: boolean;
  /** To be stored together with its commit; undefined: it is stored. */
  readonly bytes: Uint8Array | undefined;
  /** At heads, while it was stored. */
  readonly looks: ReadonlyMap<Lane, Look>;
};

type Sending = {
  readonly broker: Broker;
  readonly lane: Lane;
  readonly payload: Payload;
  readonly commit: Commit<WaitingEntry>;
  readonly deadline: Deadline;
  /** To be called when the outcome is known, before it is told. */
  readonly decided: () => void;
  /** Those not answered yet. */
  entries: readonly WaitingEntry[];
  pin: number;
  /** Of the entries' producers, as they were found at the pin or after. */
  states: ProducerStates;
  /** Whether a send with this pin may have been applied without our knowing. */
  mayHaveLanded: boolean;
  /** Whether the head had more to do than it could: a send was refused for that. */
  overloaded: boolean;
};

type Step = 'answered' | 'again' | 'reupload';

/** A weak read that takes longer has lost its answer, or its way. */
const lookPatienceMs = 20;

const noStates: ProducerStates = new Map();

/** Never rejects. Answers the entries that need a payload of a newer epoch; all others are answered. */
export async function sendCommit(broker: Broker, lane: Lane, payload: Payload, entries: readonly WaitingEntry[], deadline: Deadline, decided: () => void): Promise<readonly WaitingEntry[]> {
  const commit: Commit<WaitingEntry> = { head: headKey(lane.topicId, lane.partition), id: payload.id, epoch: payload.epoch, inline: payload.inline, entries };
  const sending: Sending = { broker, lane, payload, commit, deadline, decided, entries, pin: 0, states: noStates, mayHaveLanded: false, overloaded: false };
  try {
    await passGate(sending);
    const pinned = pinOfView(sending);
    if (!(pinned instanceof Promise ? await pinned : pinned)) await takePin(sending);
    for (let attempt = 0; sending.entries.length > 0; attempt++) {
      // A last send that is still under way when the time is up would leave the answer unknown.
      if (sending.overloaded && !sending.mayHaveLanded && deadline.leftMs() < limits.lastSendMs) throw partitionBusy(lane.partition);
      if (attempt >= limits.maxCommitAttempts) throw new WadiError('partition_busy', `Partition ${lane.partition} is too busy. Send the request again after a moment.`);
      const step = await sendOnce(sending, attempt);
      if (step === 'reupload') return sending.entries;
      if (step === 'answered') break;
    }
  } catch (error) {
    if (sending.mayHaveLanded) broker.telemetry.report('append_unknown', { topicId: lane.topicId, partition: lane.partition }, error);
    if (sending.mayHaveLanded) leaveUnknown(sending);
    else refuse(sending, sending.entries, sending.overloaded && error instanceof TimedOut ? partitionBusy(lane.partition) : failureBeforeCommit(error));
  }
  return [];
}

/**
 * A head that is crowded gets no append, for that would be dear and make it dearer: it is read again until it was
 * rotated (PROTOCOL 2.12). Only where the ledger has a limit for one item.
 */
async function passGate(sending: Sending): Promise<void> {
  const { broker, lane, deadline } = sending;
  if (lane.pace === undefined) return;
  try {
    if (lane.view !== undefined && lane.pace.mayBeCrowded(lane.view.head, broker.clock.monotonicMs() - lane.view.atMs)) await deadline.race(lookAgain(broker, lane));
    for (let looks = 0; lane.view !== undefined && isCrowded(lane.view.head); looks++) {
      if (helpsToRotate(broker.random, looks)) rotateBehind(broker, lane, lane.view.head);
      lane.pace.yield();
      await deadline.race(pauseBeforeLook(broker, looks));
      if (!(await deadline.race(lookAgain(broker, lane)))) return;
    }
  } catch (error) {
    sending.overloaded = true;
    throw error;
  }
}

/**
 * The pin is a next offset that the head had before the first send. An expected offset is sent only while the
 * head stands exactly there: the next offset only grows, so a send that is late cannot find the condition true
 * after its refusal was answered (I4).
 */
async function takePin(sending: Sending): Promise<void> {
  const { broker, lane, deadline } = sending;
  const head = await deadline.race(readHead(broker, lane));
  if (head === undefined || head.deleting) return refuse(sending, sending.entries, topicGone());
  await pinAt(sending, head);
  leaveOut(sending, head.nextOffset);
}

/**
 * As `takePin`, where what was seen last is new enough; false where the head must be read. A look that is still under
 * way, for the payload was stored as fast, is over sooner than a read that begins now.
 */
function pinOfView(sending: Sending): boolean | Promise<boolean> {
  const { broker, lane, payload, deadline } = sending;
  const look = payload.looks.get(lane);
  if (look !== undefined && look.seen === undefined) {
    return deadline.race(within(broker.clock, look.first, lookPatienceMs)).then((seen) => seen === true && pinAtView(sending, lane.view?.head));
  }
  return pinAtView(sending, look?.seen === true ? lane.view?.head : freshView(broker, lane));
}

/** False where nothing can be sent by it. What it says may be old, so nothing is answered by it. */
function pinAtView(sending: Sending, head: Head | undefined): boolean | Promise<boolean> {
  if (head === undefined || head.deleting) return false;
  const fits = (): boolean => leftOut(sending.entries, head.nextOffset, sending.states).length === 0;
  const read = pinAt(sending, head);
  return read === undefined ? fits() : read.then(fits);
}

/** The commit stands nowhere below the head's end. States are read after the head, so that they are none that it has lost since. */
function pinAt(sending: Sending, head: Head): Promise<void> | undefined {
  const { broker, lane, deadline, entries } = sending;
  sending.pin = head.nextOffset;
  const states = statesAt(broker, lane, head, entries, deadline);
  if (!(states instanceof Promise)) {
    sending.states = states;
    return undefined;
  }
  return states.then((read) => {
    sending.states = read;
  });
}

/** Answers, and leaves out, what must not be sent. To be called only with what was true while no send had landed. */
function leaveOut(sending: Sending, nextOffset: number): void {
  const { broker, lane, entries, states } = sending;
  const out = leftOut(entries, nextOffset, states);
  if (out.length === 0) return;
  if (out.length < entries.length) broker.telemetry.count('splits');
  for (const { entry, why } of out) {
    if (why.is === 'repeat' || why.is === 'older') broker.telemetry.count('repeats');
    entry.waiting.settle(answerTo(lane.partition, entry, why));
  }
  const answered = new Set(out.map(({ entry }) => entry));
  sending.entries = entries.filter((entry) => !answered.has(entry));
}

function answerTo(partition: number, { producer, expectedOffset = 0 }: WaitingEntry, why: LeftOut['why']): AppendResult {
  switch (why.is) {
    case 'repeat':
      return { baseOffset: why.baseOffset, repeat: true };
    case 'older':
      return { duplicate: true };
    case 'fenced':
      return { error: producerFenced(partition, producer?.epoch ?? 0, why.epoch) };
    case 'outOfOrder':
      return { error: outOfOrder(partition, producer?.sequence ?? 0, why.expected) };
    case 'mismatch':
      return { error: mismatch(expectedOffset, why.nextOffset) };
  }
}

async function sendOnce(sending: Sending, attempt: number): Promise<Step> {
  const { broker, lane, commit, deadline } = sending;
  let sent: { applied: boolean; head: Item | undefined };
  try {
    sent = await deadline.race(write(sending));
  } catch (error) {
    if (!(error instanceof StoreFailure && error.effect === 'none')) sending.mayHaveLanded = true;
    if (!isWorthRetrying(error)) throw error;
    if (error instanceof StoreFailure && error.reason === 'throttled') {
      sending.overloaded = true;
      lane.pace?.yield();
    }
    broker.telemetry.count('resends');
    await deadline.race(backoff(broker, attempt));
    return 'again';
  }
  // Whatever goes wrong from here on, the records stand.
  if (sent.applied) sending.mayHaveLanded = true;
  const head = sent.head === undefined ? undefined : remember(broker, lane, sent.head);
  if (!sent.applied) return decide(sending, head, attempt);
  // A store that tells no images of writes together: the head lists the commit, or its window has passed.
  if (head === undefined) {
    const read = await deadline.race(readHead(broker, lane));
    if (read !== undefined && read.current.length >= limits.tailCommits) rotateBehind(broker, lane, read);
    return decide(sending, read, attempt);
  }
  lane.pace?.see(head);
  acknowledge(sending, placeEntries(sending.entries, head.nextOffset - countOf(sending.entries)));
  const refs = head.current.filter((ref) => sameId(ref.id, commit.id)).length;
  const elected = isElected(head, { refs, producers: sending.states.size }, broker.ledger.limits.writeUnitBytes);
  if (elected) rotateBehind(broker, lane, head);
  leaveTailWork(broker, lane, head, refs, elected);
  return 'answered';
}

/** The conditional write, with the payload where that goes together with it: a resend carries it again. */
async function write({ broker, payload, commit, entries, pin, states }: Sending): Promise<{ applied: boolean; head: Item | undefined }> {
  const append = planAppend(commit, entries, pin, states);
  if (payload.bytes === undefined) {
    const outcome = await broker.ledger.write(append);
    return { applied: outcome.applied, head: outcome.item };
  }
  const outcome = await broker.ledger.writeAll([planPayload(commit, payload.bytes), append]);
  return outcome.applied ? { applied: true, head: outcome.items?.[1] } : { applied: false, head: outcome.outcomes[1]?.item };
}

/** After a refusal, with the old image that came with it. */
async function decide(sending: Sending, old: Head | undefined, attempt: number): Promise<Step> {
  const { broker, lane, commit, deadline } = sending;
  const decision = afterRefusal(commit, sending.pin, old);
  switch (decision.next) {
    case 'acknowledge':
      acknowledge(sending, decision.landed);
      return 'answered';
    case 'topicGone':
      // Where even the head is gone nothing tells whether an earlier send, or this one the first time, landed before.
      if (old === undefined) leaveUnknown(sending);
      else refuse(sending, sending.entries, topicGone());
      return 'answered';
    case 'search': {
      broker.telemetry.count('windowPassed');
      // Also where every send was answered: one that was repeated on the way, unasked, answers for its second time only.
      sending.mayHaveLanded = true;
      const found = await deadline.race(searchRuns(broker, lane, commit, sending.pin, decision.windowBase));
      if (found.length > 0) {
        acknowledge(sending, found);
        return 'answered';
      }
      sending.mayHaveLanded = false;
      return sendAgain(sending, old);
    }
    case 'reupload':
      await deadline.race(readEpochs(broker));
      return 'reupload';
    case 'rotate':
      sending.overloaded = true;
      if (lane.pace !== undefined) {
        if (old !== undefined) lane.pace.see(old);
        await passGate(sending);
        return sendAgain(sending, old);
      }
      if (old !== undefined) await deadline.race(sealAndRotate(broker, lane, old));
      await deadline.race(backoff(broker, attempt));
      return sendAgain(sending, old);
    case 'send':
      return sendAgain(sending, old);
  }
}

/** The old image proves that nothing landed below its end: it is the new pin, and what it refuses is refused. */
async function sendAgain(sending: Sending, old: Head | undefined): Promise<Step> {
  if (old === undefined) throw new Error('a refusal without an image leads nowhere');
  await pinAt(sending, old);
  leaveOut(sending, old.nextOffset);
  return sending.entries.length === 0 ? 'answered' : 'again';
}

function acknowledge(sending: Sending, landed: readonly Landed<WaitingEntry>[]): void {
  const { broker, lane } = sending;
  sending.decided();
  for (const { entry, baseOffset } of landed) entry.waiting.settle({ baseOffset });
  sending.entries = sending.entries.filter((entry) => !landed.some((one) => one.entry === entry));
  broker.telemetry.count('commits');
  broker.telemetry.count('appends', landed.length);
  broker.telemetry.count('records', countOf(landed.map(({ entry }) => entry)));
  broker.telemetry.count(
    'appendedBytes',
    landed.reduce((sum, { entry }) => sum + entry.waiting.bytes.length, 0),
  );
  broker.telemetry.commitSize(landed.length);
  broker.wakeups.notify(partitionChannel(lane.topicId, lane.partition));
  broker.wakeups.notify(topicChannel(lane.topicId));
  // A commit lands once: what an earlier send did not carry will never stand, and was answered before.
  if (sending.entries.length > 0) leaveUnknown(sending);
}

function refuse(sending: Sending, entries: readonly WaitingEntry[], error: WadiError): void {
  for (const entry of entries) entry.waiting.settle({ error });
  sending.entries = sending.entries.filter((entry) => !entries.includes(entry));
}

function leaveUnknown(sending: Sending): void {
  for (const { waiting, producer } of sending.entries) waiting.settle({ error: appendUnknown(producer !== undefined) });
  sending.entries = [];
}

const mismatch = (expected: number, endOffset: number): WadiError => new WadiError('offset_mismatch', `The partition ends at ${endOffset}, not at ${expected}; nothing was written.`, { endOffset });
