// A second opinion on the records of a batch, written from the format's grammar alone and with BigInt, slow and plain:
// what src/record takes and refuses must be what this takes and refuses.

import { limits } from '../../src/record/limits.ts';

export type Claims = { readonly count: number; readonly baseTimestamp: bigint; readonly maxTimestamp: bigint; readonly latest: number };

class Refused extends Error {}

const demand = (true_: boolean): void => {
  if (!true_) throw new Refused();
};

/** Whether these bytes are so many records, whole and nothing else, with the times that the header claims. */
export function areRecords(bytes: Buffer, { count, baseTimestamp, maxTimestamp, latest }: Claims): boolean {
  try {
    let at = 0;
    const byte = (): number => {
      demand(at < bytes.length);
      return bytes[at++] as number;
    };
    const varint = (bits: 32 | 64): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const next = byte();
        value |= BigInt(next & 127) << shift;
        demand(value < 1n << BigInt(bits) && shift < bits);
        if (next < 128) break;
      }
      return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
    };
    const length = (least: bigint, end: number): number => {
      const value = varint(32);
      demand(value >= least && BigInt(at) + (value > 0n ? value : 0n) <= BigInt(end));
      at += value > 0n ? Number(value) : 0;
      return Number(value);
    };
    let greatest = -1n;
    let headersOfAll = 0;
    for (let i = 0; i < count; i++) {
      const size = varint(32);
      const end = at + Number(size);
      demand(size >= 6n && end <= bytes.length);
      byte();
      const delta = varint(64);
      // The format would hold more; no time that is taken needs it.
      demand(delta >= -(2n ** 52n) && delta < 2n ** 52n);
      const timestamp = baseTimestamp + delta;
      demand(timestamp >= 0n && timestamp <= BigInt(latest));
      if (timestamp > greatest) greatest = timestamp;
      demand(varint(32) === BigInt(i));
      length(-1n, end);
      length(-1n, end);
      const headers = Number(varint(32));
      demand(headers >= 0 && headers <= limits.maxHeadersPerRecord);
      headersOfAll += headers;
      for (let header = 0; header < headers; header++) {
        demand(length(0n, end) <= limits.maxHeaderNameBytes);
        length(-1n, end);
      }
      demand(at === end);
    }
    return at === bytes.length && greatest === maxTimestamp && headersOfAll <= limits.maxHeadersPerBatch;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}
