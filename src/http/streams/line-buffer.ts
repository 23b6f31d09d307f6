// A stream of bytes, cut into batches of whole lines. Bytes are copied on arrival into one buffer, since
// a chunk that is kept costs an object besides its bytes, and keeps all that the socket read with it.

const newline = 0x0a;
const carriageReturn = 0x0d;
const firstBytes = 64 * 1024;
/** A buffer that one long line made larger is given back. */
const mostKeptBytes = 512 * 1024;

export type LineBuffer = {
  add(chunk: Uint8Array): void;
  /** All lines that are whole, each with its end of line; undefined: there are none. */
  take(): Uint8Array | undefined;
  /** What is left at the end of the stream: a last line without its end. */
  takeRest(): Uint8Array | undefined;
  /** Of the whole lines. */
  readonly lineBytes: number;
  /** Of the line that has not come to its end. */
  readonly restBytes: number;
};

export function lineBuffer(): LineBuffer {
  let held = new Uint8Array(0);
  let used = 0;
  let linesEnd = 0;

  function reserve(bytes: number): void {
    if (used + bytes <= held.length) return;
    const larger = new Uint8Array(Math.max(firstBytes, 2 * held.length, used + bytes));
    larger.set(held.subarray(0, used));
    held = larger;
  }

  /** In memory of its own: the buffer is used again. */
  function take(end: number): Uint8Array | undefined {
    if (end === 0) return undefined;
    const taken = held.slice(0, end);
    held.copyWithin(0, end, used);
    [used, linesEnd] = [used - end, 0];
    if (held.length > mostKeptBytes && used <= firstBytes) held = held.slice(0, firstBytes);
    return taken;
  }

  return {
    add(chunk) {
      reserve(chunk.length);
      held.set(chunk, used);
      const last = chunk.lastIndexOf(newline);
      if (last >= 0) linesEnd = used + last + 1;
      used += chunk.length;
    },
    take: () => take(linesEnd),
    takeRest: () => take(used),
    get lineBytes() {
      return linesEnd;
    },
    get restBytes() {
      return used - linesEnd;
    },
  };
}

export type Line = { readonly number: number /** In the batch, without the end of line (LF or CRLF). */; readonly start: number; readonly end: number };

/** The lines of a batch that are not blank; `number` counts all, from 1. */
export function* linesOf(batch: Uint8Array): Generator<Line> {
  for (let [start, number] = [0, 1]; start < batch.length; number++) {
    const found = batch.indexOf(newline, start);
    const end = found < 0 ? batch.length : found;
    if (!isBlank(batch, start, end)) yield { number, start, end: batch[end - 1] === carriageReturn ? end - 1 : end };
    start = end + 1;
  }
}

export function countLines(batch: Uint8Array): number {
  let count = 0;
  for (let at = batch.indexOf(newline); at >= 0; at = batch.indexOf(newline, at + 1)) count++;
  return count;
}

function isBlank(batch: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = batch[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== carriageReturn) return false;
  }
  return true;
}
