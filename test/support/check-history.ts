// Judges a history of appends and reads (history.ts) by the promises I1, I2, I3, I4, I6 and I7. It shares no code
// with the engine and knows only what clients sent and saw, so whatever it reports was visible to a user.
//
// What an append promises: it takes effect at one instant between its beginning and its end, whole, right behind
// everything that stood before. An unknown one may take effect at any instant after its beginning, also long
// after its client gave it up, or never; so it has an order against what was known before it began, and none
// against what its client sent later.
//
// Cost: a few map look-ups for each record read; a million records take a few seconds.

import type { AppendEvent, HistoryEvent, ReadEvent, Violation } from './history.ts';

export type CheckOptions = {
  /** The log of each partition once all clients had stopped and everything in it had been read: nothing may be missing. */
  readonly final?: ReadonlyMap<string, { readonly startOffset: number; readonly endOffset: number }>;
};

/** A broken engine breaks a promise many times over; this many reports of each are enough to see what is wrong. */
const maxViolationsOfEach = 50;

/** An append, and the offset of its first record once known: from its acknowledgement, or because somebody read of it. */
type Standing = { readonly event: AppendEvent; base: number | undefined };

type Log = {
  readonly name: string;
  readonly appends: Standing[];
  readonly reads: ReadEvent[];
  /** By offset: what was acknowledged there, and what was read there first. */
  readonly acknowledged: Map<number, string>;
  readonly seen: Map<number, string>;
};

type Owners = ReadonlyMap<string, { readonly standing: Standing; readonly index: number }>;
type Report = (invariant: Violation['invariant'], detail: string) => void;

/** All violations that the history proves, at most 50 of each promise. Throws where the history itself is malformed (one text sent twice). */
export function checkHistory(events: readonly HistoryEvent[], options: CheckOptions = {}): Violation[] {
  const violations: Violation[] = [];
  const reported = new Map<string, number>();
  const report: Report = (invariant, detail) => {
    const count = (reported.get(invariant) ?? 0) + 1;
    reported.set(invariant, count);
    if (count <= maxViolationsOfEach) violations.push({ invariant, detail });
  };
  const { logs, owners } = index(events);
  for (const log of logs.values()) checkAcknowledgements(log, report);
  for (const log of logs.values()) for (const read of log.reads) checkRead(log, read, owners, report);
  for (const log of logs.values()) {
    checkWhole(log, options.final?.get(log.name), report);
    checkClientOrder(log, report);
    checkRealTimeOrder(log, report);
    checkSessions(log, report);
  }
  for (const [name, end] of options.final ?? []) checkFinal(logs.get(name), name, end, report);
  return violations;
}

function index(events: readonly HistoryEvent[]): { logs: Map<string, Log>; owners: Owners } {
  const logs = new Map<string, Log>();
  const owners = new Map<string, { standing: Standing; index: number }>();
  for (const event of [...events].sort((a, b) => a.began - b.began)) {
    let log = logs.get(event.partition);
    if (log === undefined) {
      log = { name: event.partition, appends: [], reads: [], acknowledged: new Map(), seen: new Map() };
      logs.set(event.partition, log);
    }
    if (event.kind === 'read') {
      log.reads.push(event);
      continue;
    }
    const standing: Standing = { event, base: event.outcome.result === 'acknowledged' ? event.outcome.offsets[0] : undefined };
    log.appends.push(standing);
    for (const [i, text] of event.records.entries()) {
      if (owners.has(text)) throw new Error(`malformed history: ${quote(text)} is sent twice; texts must be unique`);
      owners.set(text, { standing, index: i });
    }
  }
  return { logs, owners };
}

/** I1: an acknowledged append has one offset a record, contiguous and in order, that no other acknowledged append has. */
function checkAcknowledgements(log: Log, report: Report): void {
  for (const { event, base } of log.appends) {
    const { outcome, expectedOffset } = event;
    if (outcome.result === 'refused' && outcome.endOffset !== undefined && outcome.endOffset === expectedOffset) {
      report('I1', `${who(event)} was refused because the log does not end at ${expectedOffset}, and told that it ends there`);
    }
    if (outcome.result !== 'acknowledged') continue;
    if (base === undefined || outcome.offsets.length !== event.records.length) {
      report('I1', `${who(event)} sent ${event.records.length} records and was given ${outcome.offsets.length} offsets`);
      continue;
    }
    if (expectedOffset !== undefined && base !== expectedOffset) {
      report('I1', `${who(event)} expected offset ${expectedOffset} and was acknowledged at ${base}`);
    }
    for (const [i, offset] of outcome.offsets.entries()) {
      if (offset !== base + i) report('I1', `${who(event)}: record ${i} was given offset ${offset}, not ${base + i}`);
      const other = log.acknowledged.get(offset);
      if (other === undefined) log.acknowledged.set(offset, event.records[i] ?? '');
      else report('I1', `${log.name}: offset ${offset} was given twice, to ${quote(other)} and to ${quote(event.records[i])}`);
    }
  }
}

/** I1 dense, I2 the same for everybody, I3 what was acknowledged stands there, I4 nothing refused and nothing foreign. */
function checkRead(log: Log, read: ReadEvent, owners: Owners, report: Report): void {
  let expected = read.from;
  for (const { offset, text } of read.records) {
    if (offset !== expected) report('I1', `${who(read)} from ${read.from} got offset ${offset} where ${expected} was next`);
    expected = offset + 1;
    const before = log.seen.get(offset);
    if (before === text) continue;
    if (before !== undefined) report('I2', `${log.name}: offset ${offset} was read as ${quote(before)} and by ${who(read)} as ${quote(text)}`);
    else log.seen.set(offset, text);
    const acknowledged = log.acknowledged.get(offset);
    if (acknowledged !== undefined && acknowledged !== text) {
      report('I3', `${log.name}: offset ${offset} was acknowledged for ${quote(acknowledged)}; ${who(read)} got ${quote(text)}`);
    }
    checkOrigin(log, offset, text, owners, report);
  }
  if (expected !== read.nextOffset) report('I1', `${who(read)} from ${read.from} got records up to ${expected} and was sent on to ${read.nextOffset}`);
}

/** Also finds the place of an unknown append, by the first of its records that is read. */
function checkOrigin(log: Log, offset: number, text: string, owners: Owners, report: Report): void {
  const here = () => `${log.name}: offset ${offset} holds ${quote(text)}`;
  const owner = owners.get(text);
  const event = owner?.standing.event;
  if (owner === undefined || event === undefined) {
    report('I4', `${here()}, which nobody sent`);
  } else if (event.partition !== log.name) {
    report('I4', `${here()}, which was sent to ${event.partition}`);
  } else if (event.outcome.result === 'refused') {
    report('I4', `${here()} of ${who(event)}, refused with ${event.outcome.code}`);
  } else {
    owner.standing.base ??= offset - owner.index;
    const place = owner.standing.base + owner.index;
    if (place !== offset) report(event.outcome.result === 'unknown' ? 'I4' : 'I1', `${here()}; by the rest of ${who(event)} its place is ${place}`);
  }
}

/** I4: what stands, stands whole: no record of it is replaced, beyond the end, or cut off by an end that anybody was told. */
function checkWhole(log: Log, final: { readonly endOffset: number } | undefined, report: Report): void {
  const ends = new Set<number>();
  for (const read of log.reads) ends.add(read.endOffset);
  for (const { event } of log.appends) if (event.outcome.result === 'refused' && event.outcome.endOffset !== undefined) ends.add(event.outcome.endOffset);
  for (const { event, base } of log.appends) {
    if (base === undefined) continue;
    const { records, expectedOffset, outcome } = event;
    if (outcome.result === 'unknown' && expectedOffset !== undefined && base !== expectedOffset) {
      report('I1', `${who(event)} expected offset ${expectedOffset} and stands at ${base}`);
    }
    if (outcome.result === 'unknown' && final !== undefined && base + records.length > final.endOffset) {
      report('I4', `${who(event)} stands in part: from ${base}, ${records.length} records, but the log ends at ${final.endOffset}`);
    }
    for (const [i, text] of records.entries()) {
      const there = log.seen.get(base + i);
      if (outcome.result === 'unknown' && (base + i < 0 || (there !== undefined && there !== text))) {
        report('I4', `${who(event)} stands in part: its record ${i} is not at ${base + i}, where ${quote(there)} is`);
      }
      if (i > 0 && ends.has(base + i)) report('I4', `${who(event)} stands at ${base} with ${records.length} records; an answer said that the log ends at ${base + i}`);
    }
  }
}

/** I6: what a client sent after an acknowledgement stands behind what was acknowledged. */
function checkClientOrder(log: Log, report: Report): void {
  const newest = new Map<string, { event: AppendEvent; end: number }>();
  for (const { event, base } of log.appends) {
    if (base === undefined) continue;
    const before = newest.get(event.client);
    if (before !== undefined && before.event.ended < event.began && base < before.end) {
      report('I6', `${who(event)} stands at ${base}, before the end ${before.end} of what the client had sent earlier (${quote(before.event.records[0])})`);
    }
    const end = base + event.records.length;
    if (event.outcome.result === 'acknowledged' && end > (before?.end ?? 0)) newest.set(event.client, { event, end });
  }
}

/** Whatever begins after an answer sees at least the end that the answer proved: appends take offsets beyond it (I1), reads tell no lower end (I3, I7). */
function checkRealTimeOrder(log: Log, report: Report): void {
  const proofs = [...log.reads.map(proofOfRead), ...log.appends.flatMap(proofOfAppend)].sort((a, b) => a.event.ended - b.event.ended);
  const claims = [...log.reads.map(claimOfRead), ...log.appends.flatMap(claimOfAppend)].sort((a, b) => a.event.began - b.event.began);
  let next = 0;
  let floor: Proof | undefined;
  for (const { event, end } of claims) {
    for (let proof = proofs[next]; proof !== undefined && proof.event.ended < event.began; proof = proofs[++next]) {
      if (floor === undefined || proof.end > floor.end) floor = proof;
    }
    if (floor === undefined || end >= floor.end) continue;
    const known = `${floor.end}, known before from ${who(floor.event)}`;
    if (event.kind === 'append') report('I1', `${who(event)} met the end of the log at ${end}, below ${known}`);
    else report(isAcknowledged(floor.event) ? 'I3' : 'I7', `${who(event)} was told the end ${end}, below ${known}`);
  }
}

/** `end` is an end that the log is proved to have had when the event ended (proof), or was met by it after it began (claim). */
type Proof = { readonly event: HistoryEvent; readonly end: number };
const proofOfRead = (event: ReadEvent): Proof => ({ event, end: Math.max(event.endOffset, event.nextOffset) });
const claimOfRead = (event: ReadEvent): Proof => ({ event, end: event.endOffset });
const isAcknowledged = (event: HistoryEvent) => event.kind === 'append' && event.outcome.result === 'acknowledged';
const endOfRefusal = ({ outcome }: AppendEvent) => (outcome.result === 'refused' ? outcome.endOffset : undefined);

function proofOfAppend({ event, base }: Standing): Proof[] {
  const end = event.outcome.result === 'acknowledged' && base !== undefined ? base + event.records.length : endOfRefusal(event);
  return end === undefined ? [] : [{ event, end }];
}

function claimOfAppend({ event, base }: Standing): Proof[] {
  const end = base ?? endOfRefusal(event);
  return end === undefined ? [] : [{ event, end }];
}

/** I7: a session goes on exactly where it was sent on to, and the end that it is told never falls. */
function checkSessions(log: Log, report: Report): void {
  const last = new Map<string, ReadEvent>();
  for (const read of log.reads) {
    const before = last.get(read.session);
    if (read.nextOffset < read.from) report('I7', `${who(read)} asked from ${read.from} and was sent back to ${read.nextOffset}`);
    if (read.nextOffset > read.endOffset) report('I7', `${who(read)} was sent on to ${read.nextOffset}, beyond the end ${read.endOffset}`);
    if (before !== undefined && read.from !== before.nextOffset) {
      report('I7', `session ${read.session} of ${log.name} was sent on to ${before.nextOffset} and went on from ${read.from}`);
    }
    if (before !== undefined && read.endOffset < before.endOffset) {
      report('I7', `session ${read.session} of ${log.name} was told the end ${before.endOffset} and later ${read.endOffset}`);
    }
    last.set(read.session, read);
  }
}

/** In the end every offset has been read, and whatever was acknowledged or read lies in the log. */
function checkFinal(log: Log | undefined, name: string, final: { readonly startOffset: number; readonly endOffset: number }, report: Report): void {
  for (let offset = final.startOffset; offset < final.endOffset; offset++) {
    if (log?.seen.has(offset) === true) continue;
    const acknowledged = log?.acknowledged.get(offset);
    if (acknowledged !== undefined) report('I3', `${name}: ${quote(acknowledged)}, acknowledged at ${offset}, was never read in the end`);
    else report('I1', `${name}: nobody could read offset ${offset}, in a log from ${final.startOffset} to ${final.endOffset}`);
  }
  for (const [offset, text] of log?.acknowledged ?? []) {
    if (offset >= final.endOffset) report('I3', `${name}: ${quote(text)} was acknowledged at ${offset}; the log ends at ${final.endOffset}`);
  }
  for (const [offset, text] of log?.seen ?? []) {
    if (offset >= final.endOffset) report('I2', `${name}: ${quote(text)} was read at ${offset}; the log ends at ${final.endOffset}`);
  }
}

function who(event: HistoryEvent): string {
  const what = event.kind === 'read' ? `read of session ${event.session}` : `append ${quote(event.records[0])}`;
  return `${event.partition}: ${what} by ${event.client} (moments ${event.began}-${event.ended})`;
}

const quote = (text: string | undefined): string => (text === undefined ? 'nothing' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text));
