// The ports of one process: every call goes over the simulated network to the shared stores; clock, timers and
// randomness are its own, and end with it.

import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { memoryWakeups } from '../../src/adapters/memory/wakeups.ts';
import type { Ports } from '../../src/broker/broker.ts';
import type { Key, Write, WriteOutcome } from '../../src/log/write.ts';
import type { Ledger, WriteAllOutcome } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import type { Clock, Random, TelemetryCounter } from '../../src/ports/world.ts';
import type { SeededRandom } from '../support/random.ts';
import type { Alteration, Target } from './faults.ts';
import type { Network, Process } from './network.ts';
import type { Stores } from './stores.ts';
import type { Timeline } from './timeline.ts';

/** A wall clock that may be wrong; what is wrong with it can be changed at any time. */
export type WrongClock = { errorMs: number };

export type PortsOptions = {
  readonly process: Process;
  readonly network: Network;
  readonly stores: Stores;
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  readonly wall: WrongClock;
  /** What the ledger says that it takes of writes on one item; 0: nothing. */
  readonly itemWriteUnitsPerSecond: number;
  readonly onStaleRead: (told: boolean) => void;
  /** Unlike any other number in the run: no two ids are ever the same. */
  readonly nextId: () => number;
  readonly onCount: (counter: TelemetryCounter | 'reuploads', by: number) => void;
  readonly onReport: (event: string, facts: Readonly<Record<string, string | number>>, cause: unknown) => void;
};

/** 2026-11-21: far from 0, so that a clock that is a day off is still a time. */
export const epochMs = 1_795_219_200_000;

export function createPorts(options: PortsOptions): Ports {
  const { onCount, onReport } = options;
  return {
    ledger: createLedger(options),
    objects: createObjects(options),
    clock: createClock(options),
    random: createRandom(options),
    wakeups: memoryWakeups(),
    telemetry: { count: (counter, by = 1) => onCount(counter, by), commitSize: () => {}, report: (event, facts, cause) => onReport(event, facts, cause) },
    codecs: nodeCodecs,
  };
}

function createClock({ process, timeline, wall, random }: PortsOptions): Clock {
  const startedMs = random.fork('monotonic').between(0, 1_000_000);
  return {
    nowMs: () => Math.floor(epochMs + timeline.now() + wall.errorMs),
    monotonicMs: () => startedMs + timeline.now(),
    after: (delayMs, callback) =>
      timeline.after(delayMs, () => {
        if (process.alive) callback();
      }),
  };
}

function createRandom({ random, nextId }: PortsOptions): Random {
  const bytes = random.fork('bytes');
  const fractions = random.fork('fractions');
  return {
    bytes(count) {
      const drawn = Uint8Array.from({ length: count }, () => bytes.between(0, 255));
      if (count >= 8) new DataView(drawn.buffer).setUint32(4, nextId());
      return drawn;
    },
    fraction: () => fractions.next(),
  };
}

function createLedger({ process, network, stores, onCount, random, itemWriteUnitsPerSecond, onStaleRead }: PortsOptions): Ledger {
  const lags = random.fork('lags');
  const { ledger } = stores;

  async function readWeakly(keys: readonly Key[], lagMs: number) {
    const [stale, fresh] = await Promise.all([stores.readStale(keys, lagMs), ledger.read(keys, { strong: true })]);
    onStaleRead(stale.some((item, i) => item?.['cn'] !== fresh[i]?.['cn'] || item?.['g'] !== fresh[i]?.['g']));
    return stale;
  }

  return {
    limits: { maxItemBytes: 400_000, maxWritesTogether: 100, ...(itemWriteUnitsPerSecond === 0 ? {} : { itemWriteUnitsPerSecond, writeUnitBytes: 1024 }) },
    read(keys, { strong }) {
      const lagMs = strong ? 0 : lags.between(0, 1_500);
      return network.call(process, {
        store: 'ledger',
        what: `ledger.read ${keys.map(nameOf).join(' ')}${strong ? '' : ' weak'}`,
        target: keys.every(({ pk }) => pk.startsWith('L0#')) ? 'bytes' : 'read',
        apply: () => (strong ? ledger.read(keys, { strong }) : readWeakly(keys, lagMs)),
        tell: (items) => items.map((item) => (item === undefined ? '-' : `${item['nx'] ?? '+'}`)).join(' '),
        alter: ([item, ...others], how, choice) => {
          const bytes = item?.['b'];
          if (!(bytes instanceof Uint8Array)) return undefined;
          const other = damage(bytes, how, choice);
          return { value: [other === undefined ? undefined : { ...item, b: other }, ...others] };
        },
      });
    },
    scan(range) {
      return network.call(process, {
        store: 'ledger',
        what: `ledger.scan ${range.pk} ${range.from ?? ''}..${range.to ?? ''}${range.descending ? ' down' : ''} ${range.limit}`,
        target: 'read',
        apply: () => ledger.scan(range),
        tell: ({ items, more }) => `${items.map(({ sk }) => sk).join(' ')}${more ? ' …' : ''}`,
      });
    },
    expired(atS, limit) {
      return network.call(process, {
        store: 'ledger',
        what: `ledger.expired ${limit}`,
        target: 'read',
        apply: async () => (await ledger.expired?.(atS, limit)) ?? [],
        tell: (keys) => `${keys.length}`,
      });
    },
    write(write) {
      // What is under way does not change when the sender's memory does.
      const sent = structuredClone(write);
      return network.call(process, {
        store: 'ledger',
        what: `ledger.write ${describe(write)}`,
        target: targetOf(write),
        apply: () => ledger.write(sent),
        took: ({ applied }) => applied,
        tell: (outcome) => {
          countFenced(sent, outcome, onCount);
          return `${outcome.applied ? 'done' : 'refused'} ${summary(outcome)}`;
        },
      });
    },
    writeAll(writes) {
      const sent = structuredClone(writes);
      return network.call<WriteAllOutcome>(process, {
        store: 'ledger',
        what: `ledger.writeAll ${writes.map(describe).join(', ')}`,
        target: writes.map(targetOf).find((target) => target === 'commit') ?? 'topic',
        together: true,
        apply: () => ledger.writeAll(sent),
        took: ({ applied }) => applied,
        tell: (outcome) => {
          if (outcome.applied) return `done ${outcome.items?.map((item) => item?.['nx'] ?? '').join(' ') ?? ''}`;
          for (const [i, one] of outcome.outcomes.entries()) countFenced(sent[i] as Write, one, onCount);
          return `refused ${outcome.outcomes.map((one) => (one.applied ? 'y' : `n ${summary(one)}`)).join(' ')}`;
        },
        alter: (outcome, _how, choice) => tellFewerRefusals(outcome, choice),
      });
    },
  };
}

const nameOf = ({ pk, sk }: Key): string => `${pk}/${sk}`;
const describe = (write: Write): string => `${write.action} ${nameOf(write.key)}`;
const summary = ({ item }: WriteOutcome): string => (item === undefined ? '-' : `g${item['g'] ?? ''} wb${item['wb'] ?? ''} nx${item['nx'] ?? ''}`);

function targetOf({ key, ...write }: Write): Target {
  if (key.pk.startsWith('L0#')) return 'upload';
  if (!key.pk.startsWith('P#')) return 'topic';
  if (key.sk.startsWith('I#') && write.action === 'put') return 'seal';
  if (key.sk !== 'H' || write.action !== 'update') return 'topic';
  if (write.changes.some(({ path, change }) => path === 'ci' && change === 'append')) return 'commit';
  return write.changes.some(({ path }) => path === 'pi') ? 'rotation' : 'topic';
}

/** Of several that were refused one is told; the others were held by other transactions, which says nothing of them. */
function tellFewerRefusals(outcome: WriteAllOutcome, random: SeededRandom): { value: WriteAllOutcome } | undefined {
  if (outcome.applied) return undefined;
  const refused = outcome.outcomes.filter(({ applied }) => !applied);
  if (refused.length < 2) return undefined;
  const told = random.pick(refused);
  return { value: { applied: false, outcomes: outcome.outcomes.map((one) => (one === told ? one : { applied: true, item: undefined })) } };
}

function damage(bytes: Uint8Array, how: Alteration, random: SeededRandom): Uint8Array | undefined {
  if (how === 'hide') return undefined;
  if (how === 'cut') return bytes.slice(0, random.between(0, bytes.length - 1));
  const other = bytes.slice();
  const at = random.between(0, bytes.length - 1);
  other[at] = (other[at] as number) ^ (1 << random.between(0, 7));
  return other;
}

/** An append that was refused because its upload epoch is closed: its payload has to be made again. */
function countFenced({ guards }: Write, outcome: WriteOutcome, onCount: PortsOptions['onCount']): void {
  const lowest = outcome.item?.['gm'];
  if (outcome.applied || typeof lowest !== 'number') return;
  for (const guard of guards) if ('path' in guard && guard.path === 'gm' && guard.test === 'order' && Number(guard.value) < lowest) onCount('reuploads', 1);
}

function createObjects({ process, network, stores: { objects } }: PortsOptions): ObjectStore {
  return {
    create(key, bytes) {
      const sent = bytes.slice();
      return network.call(process, {
        store: 'objects',
        what: `objects.create ${key} ${bytes.length}`,
        target: 'upload',
        apply: () => objects.create(key, sent),
        took: (outcome) => outcome === 'created',
        tell: (outcome) => outcome,
      });
    },
    read(key, range) {
      const part = range === undefined ? '' : ` ${range.start}-${range.end}`;
      return network.call(process, {
        store: 'objects',
        what: `objects.read ${key}${part}`,
        target: 'bytes',
        apply: () => objects.read(key, range),
        tell: (bytes) => `${bytes?.length ?? 'none'}`,
        alter: (bytes, how, choice) => (bytes === undefined ? undefined : { value: damage(bytes, how, choice) }),
      });
    },
    list(prefix, listing) {
      return network.call(process, { store: 'objects', what: `objects.list ${prefix}`, target: 'read', apply: () => objects.list(prefix, listing), tell: (found) => `${found.length}` });
    },
    delete(keys) {
      return network.call(process, { store: 'objects', what: `objects.delete ${keys.join(' ')}`, target: 'other write', apply: () => objects.delete(keys), tell: () => 'done' });
    },
    nowMs: () => network.call(process, { store: 'objects', what: 'objects.nowMs', target: 'read', apply: () => objects.nowMs(), tell: String }),
  };
}
