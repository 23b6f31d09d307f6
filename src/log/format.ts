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

export type ProducerState = { readonly epoch: number; readonly lastSequence: number; readonly count: number; readonly baseOffset: number };

const refBytes = 22;
const totalsBytes = 16;
const producerBytes = 20;
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

export function encodeProducer(state: ProducerState): Uint8Array {
  const bytes = new Uint8Array(producerBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, state.epoch);
  view.setInt32(2, state.lastSequence);
  view.setUint32(6, state.count);
  view.setBigUint64(10, BigInt(state.baseOffset));
  return bytes;
}

export function decodeProducer(bytes: Uint8Array): ProducerState {
  const view = viewOf(bytes, producerBytes, 'producer state');
  return { epoch: view.getUint16(0), lastSequence: view.getInt32(2), count: view.getUint32(6), baseOffset: Number(view.getBigUint64(10)) };
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
