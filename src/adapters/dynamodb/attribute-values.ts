// Values as DynamoDB has them: numbers as decimal text, binaries as they are, lists and maps nested.

import { InvalidWrite, type Item, type Key, type Value } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';

/** What DynamoDB takes. */
const maxDepth = 32;

/** As it goes over the wire: one of them is there. */
export type Attribute = {
  readonly N?: string;
  readonly S?: string;
  /** Base64. */
  readonly B?: string;
  readonly L?: readonly Attribute[];
  readonly M?: Attributes;
};

export type Attributes = Record<string, Attribute>;

/** @throws InvalidWrite for numbers that are no safe integers, text that is not well formed, and nesting beyond 32. */
export function toAttribute(value: Value, depth = 1): Attribute {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new InvalidWrite(`${value} is not an integer within ±(2^53 - 1)`);
    return { N: String(value) };
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new InvalidWrite('a string holds half of a surrogate pair');
    return { S: value };
  }
  if (value instanceof Uint8Array) return { B: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64') };
  if (depth > maxDepth) throw new InvalidWrite(`a value is nested deeper than ${maxDepth}`);
  if (Array.isArray(value)) return { L: value.map((element: Value) => toAttribute(element, depth + 1)) };
  return { M: toAttributes(value as Item, depth) };
}

/** @throws InvalidWrite as `toAttribute` */
export function toAttributes(map: Item, depth = 0): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(map)) {
    if (name === '__proto__') throw new InvalidWrite('no attribute or entry may be called __proto__');
    attributes[name] = toAttribute(value, depth + 1);
  }
  return attributes;
}

/** @throws StoreFailure "corrupt" for what `toAttribute` never makes */
function fromAttribute(attribute: Attribute): Value {
  if (attribute.N !== undefined) {
    const number = Number(attribute.N);
    if (!Number.isSafeInteger(number)) throw foreign(`the number ${attribute.N}`);
    return number;
  }
  if (attribute.S !== undefined) return attribute.S;
  // A copy: of a small one the buffer is a pool, which a view of it would keep alive.
  if (attribute.B !== undefined) return new Uint8Array(Buffer.from(attribute.B, 'base64'));
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.M !== undefined) return fromMap(attribute.M);
  throw foreign(`an attribute of the type ${Object.keys(attribute)[0]}`);
}

function fromMap(map: Readonly<Attributes>): Item {
  return Object.fromEntries(Object.entries(map).map(([name, attribute]) => [name, fromAttribute(attribute)]));
}

const foreign = (what: string): StoreFailure => new StoreFailure('corrupt', 'none', `an item of the table holds ${what}, which no version of Wadi writes`);

/** The item without its key. @throws StoreFailure "corrupt" */
export function toItem(attributes: Readonly<Attributes>): Item {
  const { pk: _pk, sk: _sk, ...rest } = attributes;
  return fromMap(rest);
}

const printable = /^[ -~]+$/;

/** @throws InvalidWrite for what is not printable ASCII: all stores sort such keys alike */
export function toKey({ pk, sk }: Key): { pk: Attribute; sk: Attribute } {
  if (!printable.test(pk) || !printable.test(sk)) throw new InvalidWrite('a key is not printable ASCII');
  return { pk: { S: pk }, sk: { S: sk } };
}
