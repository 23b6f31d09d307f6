// Holds one ledger to the model: rounds of random writes, several in flight at once, each outcome compared; then
// reads and scans of what the round left.

import { isDeepStrictEqual } from 'node:util';
import { applyWrite } from '../../src/log/apply-write.ts';
import { InvalidWrite, type Item, type Key, type Write } from '../../src/log/write.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { anyKey, anyScan, anyWrite as generateWrite, pks, sks } from './generate.ts';
import { count, countWrite, type Kinds, orderedKinds, requiredKinds } from './kinds.ts';
import { ledgerModel, type Model } from './model.ts';
import type { Chance } from './random.ts';

export type LedgerRun = {
  readonly kinds: Kinds;
  readonly tally: { writes: number; writeAlls: number; reads: number; scans: number; rounds: number };
  /** The first few; a run that has met one ends with its round. */
  readonly differences: string[];
};

/** What was expected of a call, and the call's answer or what it threw. */
type Pending = { readonly what: unknown; readonly expected: unknown; readonly answer: Promise<unknown> };

function pend(what: unknown, expected: unknown, answer: Promise<unknown>): Pending {
  return { what, expected, answer: answer.catch((error: unknown) => (error instanceof InvalidWrite ? 'invalid' : String(error))) };
}

/** A write of which an emulator is known to make something else than what it stands for. */
export type IsGap = (write: Write, item: Item | undefined) => boolean;
type AnyWrite = (key: Key, item: Item | undefined) => Write;

const maxInFlight = 48;
const maxTogether = 5;
const maxDifferences = 3;

/** Runs on beyond `minWrites` until it has met every required kind, or has written this many times as much. */
const maxOverrun = 5;

/** `ordered`: whether the ledger carries out calls in flight in the order in which they were made; otherwise those of a round touch different keys. */
export async function runLedger(ledger: Ledger, ordered: boolean, minWrites: number, chance: Chance, isGap: IsGap = () => false): Promise<LedgerRun> {
  const model = ledgerModel();
  const anyWrite = (key: Key, item: Item | undefined): Write => {
    for (;;) {
      const write = generateWrite(key, item, chance);
      if (!isGap(write, item)) return write;
    }
  };
  const run: LedgerRun = { kinds: new Map(), tally: { writes: 0, writeAlls: 0, reads: 0, scans: 0, rounds: 0 }, differences: [] };
  const required = ordered ? [...requiredKinds, ...orderedKinds] : requiredKinds;
  const metAll = () => required.every((kind) => run.kinds.has(kind));
  while (run.differences.length === 0 && (run.tally.writes < minWrites || (!metAll() && run.tally.writes < maxOverrun * minWrites))) {
    run.tally.rounds++;
    const calls = chance.odds(0.3) ? 1 : 1 + chance.below(maxInFlight);
    if (calls > 1) count(run.kinds, 'writes in flight together', calls);
    const busy = new Set<string>();
    const pending: Pending[] = [];
    for (let i = 0; i < calls; i++) {
      const keys = keysFor(chance, ordered ? undefined : busy);
      if (keys.length === 0) continue;
      if (keys.some((key) => busy.has(nameOf(key)))) count(run.kinds, 'the same key twice in flight');
      for (const key of keys) busy.add(nameOf(key));
      pending.push(keys.length === 1 && chance.odds(0.95) ? oneWrite(ledger, model, keys[0] as Key, run, anyWrite) : together(ledger, model, keys, run, chance, anyWrite));
    }
    for (const call of pending) await compare(call, run);
    for (const call of lookups(ledger, model, run, chance)) await compare(call, run);
  }
  await compare(pend('everything at the end', everyKey.map(model.get), ledger.read(everyKey, { strong: true })), run);
  return run;
}

const everyKey: readonly Key[] = pks.flatMap((pk) => sks.map((sk) => ({ pk, sk })));

function nameOf({ pk, sk }: Key): string {
  return `${pk} ${sk}`;
}

function keysFor(chance: Chance, avoid: ReadonlySet<string> | undefined): Key[] {
  const wanted = chance.odds(0.9) ? 1 : 2 + chance.below(maxTogether - 1);
  const keys = new Map(Array.from({ length: wanted }, () => anyKey(chance)).map((key) => [nameOf(key), key]));
  return [...keys.values()].filter((key) => !avoid?.has(nameOf(key)));
}

function oneWrite(ledger: Ledger, model: Model, key: Key, run: LedgerRun, anyWrite: AnyWrite): Pending {
  const item = model.get(key);
  const write = anyWrite(key, item);
  const expected = model.write(write);
  run.tally.writes++;
  countWrite(run.kinds, write, item, expected === 'invalid' ? 'invalid' : expected.applied ? 'applied' : 'refused');
  return pend({ write, item }, expected, ledger.write(write));
}

function together(ledger: Ledger, model: Model, keys: readonly Key[], run: LedgerRun, chance: Chance, anyWrite: AnyWrite): Pending {
  const items = keys.map(model.get);
  let writes: readonly Write[];
  do writes = keys.map((key, i) => mostlyHarmless(anyWrite(key, items[i]), chance));
  while (isRefusedAndInvalid(writes, items));
  const expected = model.writeAll(writes);
  run.tally.writes += writes.length;
  run.tally.writeAlls++;
  count(run.kinds, `writeAll ${expected === 'invalid' ? 'invalid' : expected.applied ? 'applied' : 'refused'}`);
  if (expected !== 'invalid' && expected.applied) for (const [i, write] of writes.entries()) countWrite(run.kinds, write, items[i], 'applied');
  const answer = ledger.writeAll(writes).then((outcome) => (outcome.applied && outcome.items === undefined && expected !== 'invalid' && expected.applied ? expected : outcome));
  return pend({ writes, items }, expected, answer);
}

/** Then a ledger may say either. */
function isRefusedAndInvalid(writes: readonly Write[], items: readonly (Item | undefined)[]): boolean {
  const outcomes = writes.map((write, i) => {
    try {
      return applyWrite(items[i], write).applied ? 'applied' : 'refused';
    } catch {
      return 'invalid';
    }
  });
  return outcomes.includes('refused') && outcomes.includes('invalid');
}

/** Fewer guards, or hardly any set of writes would ever apply together. */
function mostlyHarmless(write: Write, chance: Chance): Write {
  return chance.odds(0.5) ? { ...write, guards: [] } : write;
}

function* lookups(ledger: Ledger, model: Model, run: LedgerRun, chance: Chance): Generator<Pending> {
  const keys = [...new Map(Array.from({ length: 1 + chance.below(6) }, () => anyKey(chance)).map((key) => [nameOf(key), key])).values()];
  run.tally.reads++;
  count(run.kinds, 'read');
  yield pend({ read: keys }, keys.map(model.get), ledger.read(keys, { strong: true }));
  for (let left = 2; left > 0; left--) {
    const scan = anyScan(chance);
    const expected = model.scan(scan);
    const way = scan.descending ? 'scan down' : 'scan up';
    run.tally.scans++;
    count(run.kinds, way);
    if (scan.from !== undefined) count(run.kinds, `${way} from`);
    if (scan.to !== undefined) count(run.kinds, `${way} to`);
    if (expected.more) count(run.kinds, `${way} cut short`);
    yield pend({ scan }, expected, ledger.scan(scan));
  }
}

async function compare({ what, expected, answer }: Pending, run: LedgerRun): Promise<void> {
  const found = await answer;
  if (isDeepStrictEqual(found, expected) || run.differences.length >= maxDifferences) return;
  run.differences.push(`${show(what)}\n      expected ${show(expected)}\n      found    ${show(found)}`);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? `0x${Buffer.from(part).toString('hex')}` : part)) ?? 'undefined';
}
