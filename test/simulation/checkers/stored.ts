// The stores at the end, seen from inside: every item of the log is as docs/PROTOCOL.md says, every ref leads to
// whole batches, and nothing but payloads is left of what was deleted. Decodes by itself, without src/log.

import type { Item, Value } from '../../../src/log/write.ts';
import type { ObjectStore } from '../../../src/ports/object-store.ts';
import { decodeBatches } from '../../support/record-batch.ts';
import type { Finding } from '../recorder.ts';
import { nameOf, type Stores } from '../stores.ts';

type Ref = { readonly id: string; readonly epoch: number; readonly inline: boolean; readonly position: number; readonly length: number; readonly count: number; readonly maxTimestamp: number };
type Report = (rule: string, detail: string) => void;
type Items = ReadonlyMap<string, ReadonlyMap<string, Item>>;

const hexOf = (value: Value | undefined): string => Buffer.from(value as Uint8Array).toString('hex');
const numberAt = (item: Item, name: string): number => (typeof item[name] === 'number' ? item[name] : Number.NaN);

function refsAt(item: Item, ids: string, refs: string): Ref[] {
  const [names, bytes] = [item[ids] as readonly Value[], item[refs] as readonly Value[]];
  if (names.length !== bytes.length) throw new Error(`${names.length} ids for ${bytes.length} refs`);
  return bytes.map((value, i) => {
    const view = Buffer.from(value as Uint8Array);
    const position = view.readUInt32BE(4);
    return {
      id: hexOf(names[i]),
      epoch: view.readUInt32BE(0),
      inline: position >= 2 ** 31,
      position: position % 2 ** 31,
      length: view.readUInt32BE(8),
      count: view.readUInt32BE(12),
      maxTimestamp: view.readUIntBE(16, 6),
    };
  });
}

const countOf = (refs: readonly Ref[]): number => refs.reduce((sum, { count }) => sum + count, 0);

/** Checks everything; answers besides how many runs a late seal left of topics that are gone. */
export async function checkStored({ dump, lateRuns, objects }: Pick<Stores, 'dump' | 'lateRuns' | 'objects'>): Promise<{ findings: Finding[]; strayRuns: number }> {
  const findings: Finding[] = [];
  const report: Report = (rule, detail) => findings.push({ rule, detail });
  const items = new Map<string, Map<string, Item>>();
  for (const { key, item } of await dump()) {
    const partition = items.get(key.pk) ?? new Map<string, Item>();
    items.set(key.pk, partition.set(key.sk, item));
  }
  // Of a topic that is gone a tombstone stays.
  const topics = [...items].filter(([pk, entries]) => pk.startsWith('TU#') && entries.get('T')?.['st'] !== 'deleted').map(([pk]) => pk.slice(3));
  for (const id of topics) await checkTopic(id, items, objects, report);
  const strayRuns = checkLeftovers(items, new Set(topics), await lateRuns(), report);
  return { findings, strayRuns };
}

async function checkTopic(id: string, items: Items, objects: ObjectStore, report: Report): Promise<void> {
  const topic = items.get(`TU#${id}`)?.get('T') as Item;
  if (topic['st'] !== 'live') return report('topics', `topic ${id} is ${topic['st']} when all work is done`);
  if (items.get('TN')?.get(String(topic['name']))?.['u'] !== id) report('topics', `the live topic ${id} does not have the name ${topic['name']}`);
  for (let partition = 0; partition < numberAt(topic, 'np'); partition++) {
    const pk = `P#${id}#${partition}`;
    try {
      await checkPartition(pk, items, objects, report);
    } catch (error) {
      report('stored', `${pk}: ${String(error)}`);
    }
  }
}

async function checkPartition(pk: string, items: Items, objects: ObjectStore, report: Report): Promise<void> {
  const own = items.get(pk) ?? new Map<string, Item>();
  const head = own.get('H');
  if (head === undefined || !own.has('F')) return report('topics', `${pk} has no head or no manifest`);
  const [windowBase, currentBase, nextOffset] = [numberAt(head, 'wb'), numberAt(head, 'cb'), numberAt(head, 'nx')];
  const previous = refsAt(head, 'pi', 'pr');
  const current = refsAt(head, 'ci', 'cr');
  if (windowBase + countOf(previous) !== currentBase || currentBase + countOf(current) !== nextOffset) {
    report('stored', `${pk}: a window from ${windowBase} with ${countOf(previous)} and ${countOf(current)} records does not fit ${currentBase} and ${nextOffset}`);
  }
  const sealed = checkRuns(pk, own, { windowBase, currentBase, previous, totals: head['tl'] }, report);
  const all = [...sealed, ...previous, ...current];
  checkIds(pk, all, report);
  for (const ref of all) await checkPayload(pk, ref, items, objects, report);
}

/** The runs follow each other from 0 to the window; the one that may stand beyond repeats `previous`. */
function checkRuns(pk: string, own: ReadonlyMap<string, Item>, window: { windowBase: number; currentBase: number; previous: readonly Ref[]; totals: Value | undefined }, report: Report): Ref[] {
  const { windowBase, currentBase, previous } = window;
  const sealed: Ref[] = [];
  let next = 0;
  let totals: Buffer = Buffer.alloc(16);
  for (const sk of [...own.keys()].filter((key) => key.startsWith('I#')).sort()) {
    const run = own.get(sk) as Item;
    const base = Number.parseInt(sk.slice(2), 16);
    const refs = refsAt(run, 'i', 'r');
    const end = numberAt(run, 'nx');
    if (end !== base + countOf(refs)) report('stored', `${pk}: the run from ${base} with ${countOf(refs)} records says that it ends at ${end}`);
    if (base !== next) report('stored', `${pk}: the run from ${base} stands where ${next} is next`);
    if (base >= windowBase) {
      if (base !== windowBase || end !== currentBase || JSON.stringify(refs) !== JSON.stringify(previous))
        report('stored', `${pk}: the run from ${base} lies in the window from ${windowBase} and is not what the head lists`);
      continue;
    }
    sealed.push(...refs);
    totals = addTotals(totals, refs);
    if (hexOf(run['tl']) !== totals.toString('hex')) report('stored', `${pk}: the totals of the run from ${base} are ${hexOf(run['tl'])}, not ${totals.toString('hex')}`);
    next = end;
  }
  if (next !== windowBase) report('stored', `${pk}: the runs end at ${next}, the window begins at ${windowBase}`);
  if (hexOf(window.totals) !== totals.toString('hex')) report('stored', `${pk}: the totals of the head are ${hexOf(window.totals)}, not ${totals.toString('hex')}`);
  return sealed;
}

function addTotals(before: Buffer, refs: readonly Ref[]): Buffer {
  const totals = Buffer.from(before);
  totals.writeUIntBE(Math.max(before.readUIntBE(0, 6), ...refs.map(({ maxTimestamp }) => maxTimestamp)), 0, 6);
  totals.writeUIntBE(before.readUIntBE(6, 6) + refs.reduce((sum, { length }) => sum + length, 0), 6, 6);
  totals.writeUInt32BE(before.readUInt32BE(12) + refs.length, 12);
  return totals;
}

/** A commit stands once: an id is repeated only by the neighbouring refs of a split, which share no byte. */
function checkIds(pk: string, refs: readonly Ref[], report: Report): void {
  const seen = new Map<string, number>();
  for (const [i, { id }] of refs.entries()) {
    const before = seen.get(id);
    const split = before === i - 1 && (refs[i - 1] as Ref).position + (refs[i - 1] as Ref).length <= (refs[i] as Ref).position;
    if (before !== undefined && !split) report('I5', `${pk}: the commit ${id} stands twice, as number ${before} and as number ${i}`);
    seen.set(id, i);
  }
}

async function checkPayload(pk: string, ref: Ref, items: Items, objects: ObjectStore, report: Report): Promise<void> {
  const epoch = ref.epoch.toString(16).padStart(8, '0');
  const shard = ref.id.slice(0, 2);
  const whole = ref.inline ? (items.get(`L0#${epoch}#${shard}`)?.get(ref.id)?.['b'] as Uint8Array | undefined) : await objects.read(`l0/${shard}/${epoch}/${ref.id}`);
  if (whole === undefined) return report('I10', `${pk}: the payload of ${ref.id} is not there`);
  const bytes = Buffer.from(whole.subarray(ref.position, ref.position + ref.length));
  try {
    const records = decodeBatches(bytes);
    const latest = Math.max(...records.map(({ timestamp }) => timestamp));
    if (bytes.length !== ref.length || records.length !== ref.count || latest !== ref.maxTimestamp) {
      report('stored', `${pk}: ${ref.id} has ${bytes.length} bytes, ${records.length} records up to ${latest}; its ref says ${ref.length}, ${ref.count}, ${ref.maxTimestamp}`);
    }
  } catch (error) {
    report('I14', `${pk}: the payload of ${ref.id}: ${String(error)}`);
  }
}

/**
 * I10: of a topic that is gone nothing stays but payloads and a tombstone; and the run of a seal that came when the topic was being
 * cleared away already, for a seal is conditioned on nothing but its own absence. Those are counted, not reported:
 * no reader can be led to them, and PROTOCOL leaves them (2.11).
 */
function checkLeftovers(items: Items, topics: ReadonlySet<string>, lateRuns: ReadonlySet<string>, report: Report): number {
  let strayRuns = 0;
  for (const [pk, entries] of items) {
    for (const [sk, item] of entries) {
      const owner = pk.startsWith('P#') ? pk.slice(2, 24) : pk.startsWith('R#') ? sk.slice(0, 22) : pk === 'TN' ? String(item['u']) : undefined;
      if (owner !== undefined && !topics.has(owner)) {
        if (lateRuns.has(nameOf({ pk, sk }))) strayRuns++;
        else report('I10', `${pk} ${sk} is left of a topic that is gone`);
      }
      if (pk.startsWith('K#') || pk.endsWith('#S')) report('I10', `${pk} ${sk} is left when all has expired`);
      if (pk.startsWith('W#')) report('I10', `${pk} ${sk} is left when all work is done`);
    }
  }
  return strayRuns;
}
