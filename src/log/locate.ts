// Finding a record's place: which ref holds an offset, and which is the first to hold a timestamp.

import type { PlacedRef } from './head.ts';

/** The index of the last that begins at or before the offset, of places in order; -1 where none does. */
export function lastFrom(places: readonly { readonly baseOffset: number }[], offset: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] as { baseOffset: number }).baseOffset <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The index of the ref that holds the offset; refs are placed in order. -1 where none does. */
export function indexOfOffset(placed: readonly PlacedRef[], offset: number): number {
  const index = lastFrom(placed, offset);
  const found = placed[index];
  return found !== undefined && offset < endOf(found) ? index : -1;
}

/** The first ref that holds a record at or after the time, given that no record before these refs does. */
export function firstAtOrAfter(placed: readonly PlacedRef[], timestamp: number): PlacedRef | undefined {
  return placed.find(({ ref }) => ref.maxTimestamp >= timestamp);
}

const endOf = ({ baseOffset, ref }: PlacedRef): number => baseOffset + ref.count;
