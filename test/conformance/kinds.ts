// Which kinds of writes a run has reached, so that a generator that has gone blind fails the run.

import type { Guard, Item, Path, Value, Write } from '../../src/log/write.ts';
import { holds } from './generate.ts';

export type Kinds = Map<string, number>;

export function count(kinds: Kinds, kind: string, by = 1): void {
  kinds.set(kind, (kinds.get(kind) ?? 0) + by);
}

export function countWrite(kinds: Kinds, write: Write, item: Item | undefined, outcome: 'applied' | 'refused' | 'invalid'): void {
  count(kinds, `${write.action} ${outcome}`);
  if (item === undefined) count(kinds, `${write.action} of an absent item ${outcome}`);
  for (const guard of write.guards) countGuard(kinds, guard, item);
  if (write.action === 'put') for (const value of Object.values(write.item)) countValue(kinds, value);
  if (write.action !== 'update' || outcome === 'refused') return;
  for (const { change, path } of write.changes) count(kinds, `${change}${typeof path === 'string' ? '' : ' of an entry'} ${outcome}`);
}

function countGuard(kinds: Kinds, guard: Guard, item: Item | undefined): void {
  const held = holds(item, guard) ? 'holds' : 'fails';
  if ('any' in guard) {
    count(kinds, `alternatives ${held}`);
    return;
  }
  const name = `${guard.not ? 'not ' : ''}${guard.test}${'order' in guard ? ` ${guard.order}` : ''}`;
  count(kinds, `${name} ${held}`);
  if (typeof guard.path !== 'string') count(kinds, `${guard.not ? 'not ' : ''}${guard.test} of an entry`);
  count(kinds, `${guard.not ? 'not ' : ''}${guard.test} where there is ${item === undefined ? 'no item' : typeOf(item, guard.path)}`);
}

function typeOf(item: Item, path: Path): string {
  const outer = Array.isArray(path) ? item[path[0]] : item[path as string];
  if (Array.isArray(path) && nameOf(outer) !== 'a map') return 'no map';
  const value = Array.isArray(path) ? (outer as Item)[path[1]] : outer;
  return nameOf(value);
}

function nameOf(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return value instanceof Uint8Array ? 'a binary' : Array.isArray(value) ? 'a list' : 'a map';
}

function countValue(kinds: Kinds, value: Value): void {
  if (typeof value === 'number') {
    if (Math.abs(value) > 2 ** 32) count(kinds, 'value: a large number');
    return;
  }
  const length = typeof value === 'string' || value instanceof Uint8Array ? value.length : Object.keys(value).length;
  if (length === 0) count(kinds, `value: ${nameOf(value)} that is empty`);
}

const tests = ['exists', 'equals', 'contains', ...['order', 'size'].flatMap((test) => ['<', '<=', '>', '>='].map((order) => `${test} ${order}`))];
const places = ['no item', 'nothing', 'no map', 'a number', 'a string', 'a binary', 'a list', 'a map'];
const changes = ['set', 'add', 'startThenAdd', 'append', 'copy', 'remove'];

/** What every run must have met at least once. */
export const requiredKinds: readonly string[] = [
  ...tests.flatMap((test) => [`${test} holds`, `${test} fails`, `not ${test} holds`, `not ${test} fails`]),
  ...['exists', 'equals', 'order', 'size', 'contains'].flatMap((test) => [
    `${test} of an entry`,
    `not ${test} of an entry`,
    ...places.flatMap((place) => [`${test} where there is ${place}`, `not ${test} where there is ${place}`]),
  ]),
  'alternatives holds',
  'alternatives fails',
  ...['put', 'update', 'delete', 'check'].flatMap((action) => [`${action} applied`, `${action} refused`, `${action} of an absent item applied`, `${action} of an absent item refused`]),
  'update invalid',
  'update of an absent item invalid',
  ...changes.flatMap((change) => [`${change} applied`, `${change} of an entry applied`, `${change} invalid`]),
  ...['a string', 'a binary', 'a list', 'a map'].map((type) => `value: ${type} that is empty`),
  'value: a large number',
  ...['applied', 'refused', 'invalid'].map((outcome) => `writeAll ${outcome}`),
  'writes in flight together',
  'read',
  ...['up', 'down'].flatMap((way) => [`scan ${way}`, `scan ${way} from`, `scan ${way} to`, `scan ${way} cut short`]),
];

/** And what only a ledger can meet that carries out calls in the order in which they were made. */
export const orderedKinds: readonly string[] = ['the same key twice in flight'];
