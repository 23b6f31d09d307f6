// Deep copies of items, so that neither what a caller handed in nor what it was given can alter the store.
// The copy on the way in is also where a value that no store can keep is refused.

import { InvalidWrite, type Item, type Value } from './write.ts';

const maxDepth = 32;

/** @throws InvalidWrite for numbers that are no safe integers, text that is not well formed, and nesting beyond 32. */
export function copyItem(item: Item): Item {
  return copyMap(item, 0);
}

function copyMap(map: Item, depth: number): Item {
  const copy: Record<string, Value> = {};
  for (const name of Object.keys(map)) {
    if (name === '__proto__') throw new InvalidWrite('no attribute or entry may be called __proto__');
    copy[name] = copyValue(map[name] as Value, depth + 1);
  }
  return copy;
}

/** @throws InvalidWrite as `copyItem` */
export function copyValue(value: Value, depth = 1): Value {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new InvalidWrite(`${value} is not an integer within ±(2^53 - 1)`);
    return value;
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new InvalidWrite('a string holds half of a surrogate pair');
    return value;
  }
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (depth > maxDepth) throw new InvalidWrite(`a value is nested deeper than ${maxDepth}`);
  if (Array.isArray(value)) return value.map((element) => copyValue(element as Value, depth + 1));
  return copyMap(value as Item, depth);
}
