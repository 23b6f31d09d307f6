// What an item counts at DynamoDB, by its published rules ("DynamoDB item sizes and formats" in its Developer Guide):
// names and text as UTF-8, binaries as they are, numbers by their significant digits, lists and maps with 3 bytes and one
// for each entry.

import type { Item, Key, Value } from '../../log/write.ts';

export function itemBytes({ pk, sk }: Key, item: Item): number {
  const keys = textBytes('pk') + textBytes(pk) + textBytes('sk') + textBytes(sk);
  return Object.entries(item).reduce((sum, [name, value]) => sum + textBytes(name) + valueBytes(value), keys);
}

function valueBytes(value: Value): number {
  if (typeof value === 'number') return numberBytes(value);
  if (typeof value === 'string') return textBytes(value);
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, element: Value) => sum + valueBytes(element) + 1, 3);
  return Object.entries(value).reduce((sum, [name, entry]) => sum + textBytes(name) + valueBytes(entry) + 1, 3);
}

/** Leading and trailing zeros do not count; two digits take a byte, and there is one besides, and one for a sign. */
function numberBytes(value: number): number {
  const digits = String(Math.abs(value)).replace(/^0+|0+$/g, '');
  return Math.ceil(digits.length / 2) + 1 + (value < 0 ? 1 : 0);
}

const textBytes = (text: string): number => Buffer.byteLength(text);
