// Random items, writes and scans over a small universe, so that guards meet what they ask for, what they do not,
// other types and nothing at all. A generator sees the model's current item and leans towards writes that apply.

import { applyWrite } from '../../src/log/apply-write.ts';
import { type Change, type Check, type Guard, InvalidWrite, type Item, type Key, type Order, type Path, type Value, type Write } from '../../src/log/write.ts';
import type { ScanRange } from '../../src/ports/ledger.ts';
import type { Chance } from './random.ts';

export const pks = ['P#a', 'P#b', 'TN', 'K#~'];
export const sks = ['C#00000000000001', 'C#00000000000010', 'F', 'H', 'I#00000000000000', 'I#00000000000100', 'a', 'z z'];
const attributes = ['nx', 'wb', 'name', 'id', 'ci', 'cr', 'pm', 'dl'];
const entries = ['1', '22', 'p', 'é'];
const orders: readonly Order[] = ['<', '<=', '>', '>='];
const numbers = [0, 1, 2, 7, 10, -1, -128, 255, 2 ** 31, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
const strings = ['', 'a', 'b', 'ab', 'creating', 'é', '日本', 'x'.repeat(70)];
const binaries = [[], [0], [1], [0, 1], [255, 254], Array.from({ length: 16 }, (_, i) => i), Array.from({ length: 22 }, (_, i) => 255 - i)];

export function anyKey(chance: Chance): Key {
  return { pk: chance.pick(pks), sk: chance.pick(sks) };
}

function anyItem(chance: Chance): Item {
  return Object.fromEntries(attributes.filter(() => chance.odds(0.6)).map((name) => [name, valueFor(name, chance)]));
}

/** Attributes have a usual type, and now and then another. */
function valueFor(attribute: string, chance: Chance): Value {
  if (chance.odds(0.15)) return anyValue(chance, 2);
  switch (attribute) {
    case 'nx':
    case 'wb':
    case 'dl':
      return chance.pick(numbers);
    case 'name':
      return chance.pick(strings);
    case 'id':
      return anyBinary(chance);
    case 'pm':
      return anyMap(chance, 2);
    default:
      return chance.odds(0.5) ? Array.from({ length: chance.below(5) }, () => anyBinary(chance)) : anyList(chance, 2);
  }
}

function anyValue(chance: Chance, depth: number): Value {
  const kind = chance.below(depth > 0 ? 5 : 3);
  if (kind === 0) return chance.pick(numbers);
  if (kind === 1) return chance.pick(strings);
  if (kind === 2) return anyBinary(chance);
  return kind === 3 ? anyList(chance, depth) : anyMap(chance, depth);
}

function anyBinary(chance: Chance): Uint8Array {
  return Uint8Array.from(chance.pick(binaries));
}

function anyList(chance: Chance, depth: number): Value[] {
  return Array.from({ length: chance.below(4) }, () => anyValue(chance, depth - 1));
}

function anyMap(chance: Chance, depth: number): { readonly [entry: string]: Value } {
  return Object.fromEntries(entries.filter(() => chance.odds(0.4)).map((entry) => [entry, anyValue(chance, depth - 1)]));
}

function anyPath(chance: Chance): Path {
  return chance.odds(0.35) ? [chance.odds(0.8) ? 'pm' : chance.pick(attributes), chance.pick(entries)] : chance.pick(attributes);
}

function valueAt(item: Item | undefined, path: Path): Value | undefined {
  if (typeof path === 'string') return item?.[path];
  const map = item?.[path[0]];
  return map !== undefined && typeof map === 'object' && !Array.isArray(map) && !(map instanceof Uint8Array) ? (map as Item)[path[1]] : undefined;
}

/** Where a test of this kind usually looks. */
const usual = { order: ['nx', 'wb', 'name', 'dl'], size: ['name', 'id', 'ci', 'cr', 'pm'], contains: ['ci', 'cr'], exists: attributes, equals: attributes };

function anyCheck(item: Item | undefined, chance: Chance): Check {
  const test = chance.pick(['exists', 'equals', 'order', 'order', 'size', 'size', 'contains'] as const);
  const path = chance.odds(0.5) ? chance.pick(usual[test]) : anyPath(chance);
  const present = valueAt(item, path);
  const not = chance.odds(0.4);
  const order = chance.pick(orders);
  switch (test) {
    case 'exists':
      return { test, path, not };
    case 'equals':
      return { test, path, not, value: present !== undefined && chance.odds(0.5) ? present : anyValue(chance, 2) };
    case 'order': {
      return { test, path, not, order, value: chance.odds(0.6) ? near(present, chance) : chance.pick([chance.pick(numbers), chance.pick(strings)]) };
    }
    case 'size':
      return { test, path, not, order, value: chance.below(6) };
    case 'contains': {
      const element = Array.isArray(present) && present.length > 0 && chance.odds(0.6) ? chance.pick(present as Value[]) : anyValue(chance, 1);
      return { test, path, not, value: element };
    }
  }
}

function near(present: Value | undefined, chance: Chance): number | string {
  if (typeof present === 'string') return chance.pick([present, `${present}a`, present.slice(0, -1)]);
  const number = typeof present === 'number' ? present : 0;
  return chance.pick([number, number - 1, number + 1].filter(Number.isSafeInteger));
}

/** Whether a guard holds, by the function that is the model. */
export function holds(item: Item | undefined, guard: Guard): boolean {
  return applyWrite(item, { key: { pk: '-', sk: '-' }, guards: [guard], action: 'check' }).applied;
}

function anyGuard(item: Item | undefined, chance: Chance): Guard {
  const one = (): Check => {
    const check = anyCheck(item, chance);
    return holds(item, check) || chance.odds(0.3) ? check : { ...check, not: !check.not };
  };
  return chance.odds(0.2) ? { any: Array.from({ length: 1 + chance.below(3) }, () => (chance.odds(0.5) ? one() : anyCheck(item, chance))) } : one();
}

function anyChange(item: Item | undefined, chance: Chance): Change {
  const path = anyPath(chance);
  const by = chance.pick([1, 2, -1, 500, 2 ** 33]);
  switch (chance.below(6)) {
    case 0:
      return { change: 'set', path, value: typeof path === 'string' ? valueFor(path, chance) : anyValue(chance, 1) };
    case 1:
      return { change: 'add', path: chance.odds(0.6) ? 'nx' : path, by };
    case 2:
      return { change: 'startThenAdd', path: chance.odds(0.6) ? 'wb' : path, start: chance.pick([0, 1, 100]), by };
    case 3:
      return { change: 'append', path: chance.odds(0.6) ? chance.pick(['ci', 'cr']) : path, values: anyList(chance, 2) };
    case 4:
      return { change: 'copy', path, from: chance.pick(item === undefined || chance.odds(0.05) ? attributes : Object.keys(item).concat('dl')) };
    default:
      return { change: 'remove', path };
  }
}

/** A write, its changes mostly of the kind that can be carried out. No result leaves the safe integers: what happens there is not the ledger's promise. */
export function anyWrite(key: Key, item: Item | undefined, chance: Chance): Write {
  const guards = Array.from({ length: chance.pick([0, 1, 1, 1, 2, 3]) }, () => anyGuard(item, chance));
  const action = chance.pick(item === undefined ? (['put', 'put', 'update', 'delete', 'check'] as const) : (['put', 'update', 'update', 'update', 'update', 'delete', 'check'] as const));
  if (action === 'put') return { key, guards, action, item: anyItem(chance) };
  if (action !== 'update') return { key, guards, action };
  const wanted = chance.below(5);
  const changes: Change[] = [];
  for (let tries = 0; changes.length < wanted && tries < 30; tries++) {
    const next = [...changes, anyChange(item, chance)];
    const outcome = result({ key, guards: [], action, changes: next }, item);
    if (outcome === 'unsafe' || (outcome === 'invalid' && !chance.odds(0.03))) continue;
    changes.push(next.at(-1) as Change);
    if (outcome === 'invalid') break;
  }
  return { key, guards, action, changes };
}

function result(write: Write, item: Item | undefined): 'invalid' | 'unsafe' | 'applies' {
  try {
    const after = applyWrite(item, write).item;
    return Object.values(after ?? {}).every(isSafe) ? 'applies' : 'unsafe';
  } catch (error) {
    if (error instanceof InvalidWrite) return 'invalid';
    throw error;
  }
}

function isSafe(value: Value): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return typeof value === 'string' || value instanceof Uint8Array || Object.values(value).every(isSafe);
}

export function anyScan(chance: Chance): ScanRange {
  const bound = () => (chance.odds(0.7) ? chance.pick(sks) : chance.pick(['C#', 'I#', 'I#~', 'Z', ' ', '~']));
  return {
    pk: chance.odds(0.95) ? chance.pick(pks) : 'absent',
    ...(chance.odds(0.4) ? { from: bound() } : {}),
    ...(chance.odds(0.4) ? { to: bound() } : {}),
    ...(chance.odds(0.5) ? { descending: chance.odds(0.7) } : {}),
    limit: 1 + chance.below(sks.length + 2),
    strong: true,
  };
}
