// The one meaning of a write: (item | undefined, write) → outcome. The ledgers in memory and in a folder run this
// function; others are held to it by the conformance suite.

import { type Change, type Check, type Guard, InvalidWrite, type Item, type Order, type Path, type Value, type Write, type WriteOutcome } from './write.ts';

/**
 * @throws InvalidWrite where the guards hold but the changes cannot be carried out (an addition to what is no
 * number, a map entry without its map) and where two changes touch the same path, whatever the item.
 */
export function applyWrite(item: Item | undefined, write: Write): WriteOutcome {
  if (write.action === 'update') assertDisjoint(write.changes);
  if (!write.guards.every((guard) => holds(item, guard))) return { applied: false, item };
  switch (write.action) {
    case 'check':
      return { applied: true, item };
    case 'put':
      return { applied: true, item: write.item };
    case 'delete':
      return { applied: true, item: undefined };
    case 'update':
      return { applied: true, item: update(item ?? {}, write.changes) };
  }
}

function holds(item: Item | undefined, guard: Guard): boolean {
  return 'any' in guard ? guard.any.some((check) => passes(item, check)) : passes(item, guard);
}

function passes(item: Item | undefined, check: Check): boolean {
  return test(valueAt(item, check.path), check) !== (check.not ?? false);
}

function test(value: Value | undefined, check: Check): boolean {
  if (value === undefined) return false;
  switch (check.test) {
    case 'exists':
      return true;
    case 'equals':
      return equal(value, check.value);
    case 'order':
      return typeof value === typeof check.value && inOrder(value as number | string, check.order, check.value);
    case 'size':
      return typeof value !== 'number' && inOrder(sizeOf(value), check.order, check.value);
    case 'contains':
      return Array.isArray(value) && value.some((element) => equal(element, check.value));
  }
}

function inOrder(left: number | string, order: Order, right: number | string): boolean {
  switch (order) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function sizeOf(value: Exclude<Value, number>): number {
  if (typeof value === 'string' || value instanceof Uint8Array || isList(value)) return value.length;
  return Object.keys(value).length;
}

function valueAt(item: Item | undefined, path: Path): Value | undefined {
  if (item === undefined) return undefined;
  if (typeof path === 'string') return own(item, path);
  const map = own(item, path[0]);
  return isMap(map) ? own(map, path[1]) : undefined;
}

function own(map: { readonly [entry: string]: Value }, name: string): Value | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function update(old: Item, changes: readonly Change[]): Item {
  const next: Record<string, Value> = { ...old };
  /** Of each map with an entry that changes: the copy that is changed. */
  const maps = new Map<string, Record<string, Value>>();
  for (const change of changes) {
    const value = changed(old, change);
    if (typeof change.path === 'string') assign(next, change.path, value);
    else {
      const [attribute, entry] = change.path;
      let entries = maps.get(attribute);
      if (entries === undefined) {
        const map = own(next, attribute);
        if (!isMap(map)) throw new InvalidWrite(`${attribute} is not a map, so it has no entry ${entry}`);
        entries = { ...map };
        maps.set(attribute, entries);
        next[attribute] = entries;
      }
      assign(entries, entry, value);
    }
  }
  return next;
}

function assign(target: Record<string, Value>, name: string, value: Value | undefined): void {
  if (value === undefined) delete target[name];
  else target[name] = value;
}

function changed(old: Item, change: Change): Value | undefined {
  switch (change.change) {
    case 'remove':
      return undefined;
    case 'set':
      return change.value;
    case 'copy':
      return must(own(old, change.from), change.from, 'there');
  }
  const before = valueAt(old, change.path);
  switch (change.change) {
    case 'append':
      return [...must(isList(before) ? before : undefined, change.path, 'a list'), ...change.values];
    case 'add':
      return must(typeof before === 'number' ? before : undefined, change.path, 'a number') + change.by;
    case 'startThenAdd':
      return must(before === undefined ? change.start : typeof before === 'number' ? before : undefined, change.path, 'a number') + change.by;
  }
}

function must<T>(value: T | undefined, path: Path, what: string): T {
  if (value === undefined) throw new InvalidWrite(`${String(path)} is not ${what}`);
  return value;
}

/** @throws InvalidWrite where two changes touch the same path */
export function assertDisjoint(changes: readonly Change[]): void {
  /** Of each attribute that is touched: the entries; none: all of it. */
  const touched = new Map<string, Set<string> | undefined>();
  for (const { path } of changes) {
    const [attribute, entry] = typeof path === 'string' ? [path, undefined] : path;
    const entries = touched.get(attribute);
    if (entry === undefined ? touched.has(attribute) : entries === undefined ? touched.has(attribute) : entries.has(entry)) throw new InvalidWrite(`two changes touch ${String(path)}`);
    if (entries !== undefined) entries.add(entry as string);
    else touched.set(attribute, entry === undefined ? undefined : new Set([entry]));
  }
}

function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

function isMap(value: Value | undefined): value is { readonly [entry: string]: Value } {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Deep equality of values: numbers, strings, bytes, lists in order, maps without order. */
export function equal(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array) return b instanceof Uint8Array && sameBytes(a, b);
  if (isList(a)) return isList(b) && a.length === b.length && a.every((element, i) => equal(element, b[i] as Value));
  if (isMap(a)) {
    if (!isMap(b)) return false;
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equal(a[name] as Value, b[name] as Value));
  }
  return a === b;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
