// Writes on their way to the thread that carries them out, and its answers on their way back, both as bytes in
// buffers that change hands without a copy. The caller's own buffers are copied from once and never detached: it
// may keep them and send the same write again.
//
//   entry   = count of writes, then for each: action, pk, sk, guards, (put: start and length of its item | update: changes)
//   answer  = status, then by status: a part for each write | the message of an InvalidWrite | reason, effect, message
//   part    = applied 0|1, image: none | bytes of an item | that of the put itself

import { type Change, type Check, type Guard, InvalidWrite, type Key, type Order, type Path, type Value, type Write } from '../../log/write.ts';
import { boundOf, boundOfText, type Cursor, readByte, readText, readValue, readVarint, writeText, writeValue, writeVarint } from './bytes.ts';
import { boundOfItem, writeItem } from './item-codec.ts';

const actions = ['put', 'update', 'delete', 'check'] as const;
const tests = ['exists', 'equals', 'order', 'size', 'contains'] as const;
const orders = ['<', '<=', '>', '>='] as const;
const changes = ['set', 'add', 'startThenAdd', 'append', 'copy', 'remove'] as const;
const varintBytes = 8;

/** As the writing thread sees a write: the item of a put stays bytes. */
export type ReceivedWrite = { readonly write: Write; readonly put: Uint8Array | undefined };

const nothing = {};

/** At least as many bytes as `writeEntry` writes. @throws InvalidWrite for values that no ledger keeps and for keys that are not printable ASCII. */
export function boundOfEntry(writes: readonly Write[]): number {
  let bound = varintBytes;
  for (const write of writes) {
    assertKey(write.key);
    bound += 1 + boundOfText(write.key.pk) + boundOfText(write.key.sk) + 3 * varintBytes;
    for (const guard of write.guards) bound += boundOfGuard(guard);
    if (write.action === 'put') bound += boundOfItem(write.item);
    else if (write.action === 'update') for (const change of write.changes) bound += boundOfChange(change);
  }
  return bound;
}

/** Writes the items of puts, then the entry. Answers where the entry begins; it ends at the cursor. */
export function writeEntry(to: Cursor, writes: readonly Write[]): number {
  const items = writes.map((write) => (write.action === 'put' ? { start: to.at, bytes: writeItem(to, write.item) } : undefined));
  const start = to.at;
  writeVarint(to, writes.length);
  writes.forEach((write, i) => {
    to.bytes[to.at++] = actions.indexOf(write.action);
    writeText(to, write.key.pk);
    writeText(to, write.key.sk);
    writeVarint(to, write.guards.length);
    for (const guard of write.guards) writeGuard(to, guard);
    const item = items[i];
    if (item !== undefined) {
      writeVarint(to, item.start);
      writeVarint(to, item.bytes);
    } else if (write.action === 'update') {
      writeVarint(to, write.changes.length);
      for (const change of write.changes) writeChange(to, change);
    }
  });
  return start;
}

/** Reads an entry. Its values live in a copy of it; the items of puts are views of `chunk`. */
export function readEntry(chunk: Uint8Array, start: number, end: number): ReceivedWrite[] {
  const from: Cursor = { bytes: Buffer.from(chunk.subarray(start, end)), at: 0 };
  const writes: ReceivedWrite[] = [];
  for (let left = readVarint(from); left > 0; left--) {
    const action = actions[readByte(from)];
    const key = { pk: readText(from), sk: readText(from) };
    const guards = readMany(from, readGuard);
    if (action === 'put') {
      const itemStart = readVarint(from);
      writes.push({ write: { key, guards, action, item: nothing }, put: chunk.subarray(itemStart, itemStart + readVarint(from)) });
    } else if (action === 'update') writes.push({ write: { key, guards, action, changes: readMany(from, readChange) }, put: undefined });
    else writes.push({ write: { key, guards, action: action as 'delete' | 'check' }, put: undefined });
  }
  return writes;
}

function readMany<T>(from: Cursor, read: (from: Cursor) => T): T[] {
  const many: T[] = [];
  for (let left = readVarint(from); left > 0; left--) many.push(read(from));
  return many;
}

function assertKey({ pk, sk }: Key): void {
  if (!printable.test(pk) || !printable.test(sk)) throw new InvalidWrite('a key is not printable ASCII');
}

const printable = /^[ -~]+$/;

function boundOfGuard(guard: Guard): number {
  if (!('any' in guard)) return 1 + boundOfCheck(guard);
  return guard.any.reduce((bound, check) => bound + boundOfCheck(check), 1 + varintBytes);
}

function boundOfCheck(check: Check): number {
  return 4 + boundOfPath(check.path) + (check.test === 'exists' ? 0 : boundOf(check.value));
}

function boundOfPath(path: Path): number {
  return 1 + (typeof path === 'string' ? boundOfText(path) : boundOfText(path[0]) + boundOfText(path[1]));
}

function boundOfChange(change: Change): number {
  const path = 1 + boundOfPath(change.path);
  switch (change.change) {
    case 'set':
      return path + boundOf(change.value);
    case 'add':
      return path + boundOf(change.by);
    case 'startThenAdd':
      return path + boundOf(change.start) + boundOf(change.by);
    case 'append':
      return path + boundOf(change.values);
    case 'copy':
      return path + boundOfText(change.from);
    case 'remove':
      return path;
  }
}

function writeGuard(to: Cursor, guard: Guard): void {
  const any = 'any' in guard;
  to.bytes[to.at++] = any ? 1 : 0;
  if (any) writeVarint(to, guard.any.length);
  for (const check of any ? guard.any : [guard]) writeCheck(to, check);
}

function readGuard(from: Cursor): Guard {
  return readByte(from) === 0 ? readCheck(from) : { any: readMany(from, readCheck) };
}

function writeCheck(to: Cursor, check: Check): void {
  to.bytes[to.at++] = tests.indexOf(check.test);
  to.bytes[to.at++] = check.not ? 1 : 0;
  writePath(to, check.path);
  if (check.test === 'order' || check.test === 'size') to.bytes[to.at++] = orders.indexOf(check.order);
  if (check.test !== 'exists') writeValue(to, check.value);
}

function readCheck(from: Cursor): Check {
  const test = tests[readByte(from)];
  const not = readByte(from) === 1;
  const path = readPath(from);
  if (test === 'exists') return { test, not, path };
  if (test !== 'order' && test !== 'size') return { test: test as 'equals' | 'contains', not, path, value: readValue(from) };
  const order = orders[readByte(from)] as Order;
  return { test, not, path, order, value: readValue(from) as never };
}

function writePath(to: Cursor, path: Path): void {
  to.bytes[to.at++] = typeof path === 'string' ? 0 : 1;
  for (const name of typeof path === 'string' ? [path] : path) writeText(to, name);
}

function readPath(from: Cursor): Path {
  return readByte(from) === 0 ? readText(from) : [readText(from), readText(from)];
}

function writeChange(to: Cursor, change: Change): void {
  to.bytes[to.at++] = changes.indexOf(change.change);
  writePath(to, change.path);
  if (change.change === 'set') writeValue(to, change.value);
  else if (change.change === 'append') writeValue(to, change.values);
  else if (change.change === 'copy') writeText(to, change.from);
  else if (change.change === 'startThenAdd') writeValue(to, change.start);
  if (change.change === 'add' || change.change === 'startThenAdd') writeValue(to, change.by);
}

function readChange(from: Cursor): Change {
  const change = changes[readByte(from)];
  const path = readPath(from);
  switch (change) {
    case 'set':
      return { change, path, value: readValue(from) };
    case 'append':
      return { change, path, values: readValue(from) as readonly Value[] };
    case 'copy':
      return { change, path, from: readText(from) };
    case 'startThenAdd':
      return { change, path, start: readValue(from) as number, by: readValue(from) as number };
    case 'add':
      return { change, path, by: readValue(from) as number };
    default:
      return { change: 'remove', path };
  }
}
