// Holds one object store to a map: creations (also of one name at once), ranges, lists and deletions.

import { isDeepStrictEqual } from 'node:util';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import { count, type Kinds } from './kinds.ts';
import type { Chance } from './random.ts';

export type ObjectRun = { readonly kinds: Kinds; operations: number; readonly differences: string[] };

// Names around "/", which sorts between "." and "0": "l0.a" < "l0/a" < "l00".
const tops = ['l0', 'l0-', 'l0.a', 'l00', 'l1'];
const middles = ['0a', 'ab', 'ab.c', 'ab-', 'ff'];
const leaves = ['00000001/a', '00000001/b', '00000002/a', '0000001', 'z'];
const maxObjectBytes = 5000;

export const requiredObjectKinds = [
  'created',
  'exists',
  'two at once',
  'read',
  'read of nothing',
  'range',
  'range beyond the end',
  'empty range',
  'list',
  'list cut short',
  'list after',
  'delete',
  'delete of nothing',
  'empty object',
];

/** @param precisionMs of the store's own clock */
export async function runObjects(store: ObjectStore, operations: number, chance: Chance, precisionMs = 0): Promise<ObjectRun> {
  const model = new Map<string, Uint8Array>();
  const run: ObjectRun = { kinds: new Map(), operations: 0, differences: [] };
  const startMs = await store.nowMs();
  const anyKey = () => `${chance.pick(tops)}/${chance.pick(middles)}/${chance.pick(leaves)}`;
  const anyBytes = () => Uint8Array.from({ length: chance.odds(0.05) ? 0 : chance.below(maxObjectBytes) }, () => chance.below(256));
  const kind = (name: string) => count(run.kinds, name);
  const same = (what: string, found: unknown, expected: unknown) => {
    if (!isDeepStrictEqual(found, expected)) run.differences.push(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`.slice(0, 2000));
  };

  async function create(): Promise<void> {
    const [key, bytes] = [anyKey(), anyBytes()];
    const expected = model.has(key) ? 'exists' : 'created';
    kind(expected);
    if (bytes.length === 0) kind('empty object');
    same(`create ${key}`, await store.create(key, bytes), expected);
    if (expected === 'created') model.set(key, bytes);
  }

  async function createTwice(): Promise<void> {
    const [key, bodies] = [anyKey(), [anyBytes(), anyBytes(), anyBytes()]];
    const outcomes = await Promise.all(bodies.map((bytes) => store.create(key, bytes)));
    kind('two at once');
    same(`several creations of ${key}`, outcomes.filter((outcome) => outcome === 'created').length, model.has(key) ? 0 : 1);
    if (!model.has(key)) model.set(key, bodies[outcomes.indexOf('created')] ?? new Uint8Array());
  }

  async function read(): Promise<void> {
    const key = anyKey();
    const bytes = model.get(key);
    kind(bytes === undefined ? 'read of nothing' : 'read');
    same(`read ${key}`, await store.read(key), bytes);
    const start = chance.below((bytes?.length ?? 10) + 10);
    const end = start + (chance.odds(0.2) ? 0 : chance.below(maxObjectBytes));
    if (bytes !== undefined) kind(end === start ? 'empty range' : end > bytes.length ? 'range beyond the end' : 'range');
    same(`read ${key} [${start}, ${end})`, await store.read(key, { start, end }), bytes?.slice(start, end));
  }

  async function list(): Promise<void> {
    const full = anyKey();
    const prefix = chance.odds(0.2) ? '' : full.slice(0, chance.below(full.length));
    const after = chance.odds(0.4) ? (chance.odds(0.5) ? anyKey() : anyKey().slice(0, chance.below(8))) : undefined;
    const limit = 1 + chance.below(30);
    const keys = [...model.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || key > after)).sort();
    kind('list');
    if (after !== undefined) kind('list after');
    if (keys.length > limit) kind('list cut short');
    const found = await store.list(prefix, after === undefined ? { limit } : { after, limit });
    const expected = keys.slice(0, limit).map((key) => ({ key, bytes: model.get(key)?.length }));
    same(
      `list ${prefix} after ${after}`,
      found.map(({ key, bytes }) => ({ key, bytes })),
      expected,
    );
    const nowMs = await store.nowMs();
    same(
      `times of ${prefix}`,
      found.filter(({ modifiedMs }) => modifiedMs < startMs - precisionMs || modifiedMs > nowMs + precisionMs),
      [],
    );
  }

  async function remove(): Promise<void> {
    const keys = Array.from({ length: chance.below(6) }, anyKey);
    for (const key of keys) kind(model.has(key) ? 'delete' : 'delete of nothing');
    await store.delete(keys);
    for (const key of keys) model.delete(key);
  }

  for (; run.operations < operations && run.differences.length === 0; run.operations++) {
    await chance.pick([create, create, create, createTwice, read, read, list, remove])();
  }
  same(
    'everything at the end',
    (await store.list('', { limit: 10_000 })).map(({ key }) => key),
    [...model.keys()].sort(),
  );
  return run;
}
