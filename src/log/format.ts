// How the log's own values are laid out in items: refs, running totals, producer states. Every item carries
// `fv`, the version of its format; a newer one is refused by name. Integers are big-endian.

import { WadiError } from '../record/errors.ts';
import type { Item, Value } from './write.ts';

export const formatVersion = 1;

/** A contiguous range of bytes of one payload: the record batches that one commit added to a partition. */
export type Ref = {
  /** Commit id and name of the payload: 16 bytes. */
  readonly id: Uint8Array;
  /** The upload epoch in which the payload was made. */
  readonly epoch: number;
  /** Whether the payload lies in the ledger instead of the object store. */
  readonly inline: boolean;
  readonly position: number;
  readonly length: number;
  /** Records. */
  readonly count: number;
  readonly maxTimestamp: number;
};

/** Of all records below an offset; timestamps as a running maximum (PROTOCOL 2.7a). */
export type Totals = { readonly maxTimestamp: number; readonly bytes: number; readonly refs: number };

export const noTotals: Totals = { maxTimestamp: 0, bytes: 0, refs: 0 };

/**
 * What a partition knows of an idempotent producer: the newest batch that stands. Its offset is told by two numbers,
 * since a writer cannot know the first when it sends: the ledger copies it from the head.
 */
export type ProducerState = {
  readonly epoch: number;
  /** Of the batch's last record. */
  readonly lastSequence: number;
  readonly count: number;
  /** Records that stand before it in its commit. */
  readonly within: number;
  /** Of the first record of its commit. */
  readonly commitOffset: number;
  /** As it was read: what `encodeProducer` makes of it. */
  readonly encoded?: Uint8Array;
};

const refBytes = 22;
const totalsBytes = 16;
const inlineBit = 0x8000_0000;
/** The position shares its 32 bits with the inline bit. */
export const maxPosition = inlineBit - 1;

export function encodeRef(ref: Ref): Uint8Array {
  const bytes = new Uint8Array(refBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ref.epoch);
  view.setUint32(4, ref.inline ? (ref.position | inlineBit) >>> 0 : ref.position);
  view.setUint32(8, ref.length);
  view.setUint32(12, ref.count);
  setUint48(view, 16, ref.maxTimestamp);
  return bytes;
}

export function decodeRef(id: Uint8Array, bytes: Uint8Array): Ref {
  const view = viewOf(bytes, refBytes, 'ref');
  const position = view.getUint32(4);
  return {
    id,
    epoch: view.getUint32(0),
    inline: position >= inlineBit,
    position: position & maxPosition,
    length: view.getUint32(8),
    count: view.getUint32(12),
    maxTimestamp: getUint48(view, 16),
  };
}

export function encodeTotals(totals: Totals): Uint8Array {
  const bytes = new Uint8Array(totalsBytes);
  const view = new DataView(bytes.buffer);
  setUint48(view, 0, totals.maxTimestamp);
  setUint48(view, 6, totals.bytes);
  view.setUint32(12, totals.refs);
  return bytes;
}

export function decodeTotals(bytes: Uint8Array): Totals {
  const view = viewOf(bytes, totalsBytes, 'totals');
  return { maxTimestamp: getUint48(view, 0), bytes: getUint48(view, 6), refs: view.getUint32(12) };
}

export function addToTotals(totals: Totals, refs: readonly Ref[]): Totals {
  let { maxTimestamp, bytes } = totals;
  for (const ref of refs) {
    maxTimestamp = Math.max(maxTimestamp, ref.maxTimestamp);
    bytes += ref.length;
  }
  return { maxTimestamp, bytes, refs: totals.refs + refs.length };
}

/** All but the commit's offset, which stands beside it: as few bytes as may be, for each head holds several. */
export function encodeProducer({ epoch, lastSequence, count, within }: Omit<ProducerState, 'commitOffset'>): Uint8Array {
  const bytes = new Uint8Array(varintBytes(epoch) + varintBytes(lastSequence) + varintBytes(count) + varintBytes(within));
  let end = writeVarint(bytes, 0, epoch);
  end = writeVarint(bytes, end, lastSequence);
  end = writeVarint(bytes, end, count);
  writeVarint(bytes, end, within);
  return bytes;
}

const varintBytes = (value: number): number => (value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5);

/** Seven bits a byte, least significant first. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[end++] = (rest % 0x80) + 0x80;
  bytes[end++] = rest;
  return end;
}

export const damagedProducer = (): WadiError => damaged('The state of a producer', 'pm');

export function decodeProducer(bytes: Uint8Array, commitOffset: Value | undefined): ProducerState {
  if (!isNumber(commitOffset)) throw damagedProducer();
  varintAt = 0;
  const epoch = nextVarint(bytes);
  const lastSequence = nextVarint(bytes);
  const count = nextVarint(bytes);
  const within = nextVarint(bytes);
  if (varintAt !== bytes.length) throw damagedProducer();
  return { epoch, lastSequence, count, within, commitOffset, encoded: bytes };
}

/** Where `nextVarint` reads: several times for each commit, and so without an object of its own. */
let varintAt = 0;

function nextVarint(bytes: Uint8Array): number {
  let value = 0;
  for (let scale = 1; ; scale *= 0x80) {
    const byte = bytes[varintAt++];
    if (byte === undefined) throw damagedProducer();
    if (byte < 0x80) return value + byte * scale;
    value += (byte - 0x80) * scale;
  }
}

/** Reads attributes of an item whose format we know; what is not as we wrote it is damage and says where. */
export function reader(item: Item, what: string) {
  const version = item['fv'];
  if (version !== formatVersion) {
    if (typeof version === 'number' && version > formatVersion) {
      throw new WadiError('unsupported_format', `${what} has format ${version}; this version knows ${formatVersion}. Run a newer version of Wadi.`);
    }
    throw damaged(what, 'fv');
  }
  return {
    number: (name: string): number => expect(item[name], isNumber, what, name),
    text: (name: string): string => expect(item[name], isText, what, name),
    bytes: (name: string): Uint8Array => expect(item[name], isBytes, what, name),
    bytesList: (name: string): readonly Uint8Array[] => expect(item[name], isBytesList, what, name),
    numberLists: (name: string): readonly (readonly number[])[] => expect(item[name], isNumberLists, what, name),
    map: (name: string): { readonly [entry: string]: Value } => expect(item[name], isMap, what, name),
    has: (name: string): boolean => Object.hasOwn(item, name),
  };
}

function damaged(what: string, name: string): WadiError {
  return new WadiError('storage_corrupt', `${what} is damaged: its attribute ${name} is not as it was written.`);
}

function expect<T extends Value>(value: Value | undefined, is: (value: Value | undefined) => value is T, what: string, name: string): T {
  if (!is(value)) throw damaged(what, name);
  return value;
}

const isNumber = (value: Value | undefined): value is number => typeof value === 'number';
const isText = (value: Value | undefined): value is string => typeof value === 'string';
const isBytes = (value: Value | undefined): value is Uint8Array => value instanceof Uint8Array;
const isBytesList = (value: Value | undefined): value is readonly Uint8Array[] => Array.isArray(value) && value.every(isBytes);
const isNumberLists = (value: Value | undefined): value is readonly (readonly number[])[] => Array.isArray(value) && value.every((list) => Array.isArray(list) && list.every(isNumber));
const isMap = (value: Value | undefined): value is { readonly [entry: string]: Value } => typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);

function viewOf(bytes: Uint8Array, length: number, what: string): DataView {
  if (bytes.length !== length) throw damaged(what, 'length');
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

function setUint48(view: DataView, at: number, value: number): void {
  view.setUint16(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 2, value >>> 0);
}

function getUint48(view: DataView, at: number): number {
  return view.getUint16(at) * 0x1_0000_0000 + view.getUint32(at + 2);
}
