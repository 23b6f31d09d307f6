// Reads snappy as Kafka's clients write it: raw (librdkafka and most others), or raw blocks in the frame of
// xerial's snappy-java. Written here and not taken from @platformatic/wasm-utils because that library aborts
// on bad input and never gives back the memory it had taken, until its 4 GB are gone and nothing can be read.
//
//   framed => 82 "SNAPPY" 00, version int32, compatible int32, blocks => length int32, raw
//   raw    => size varint, elements
//   element tags, by their two low bits (github.com/google/snappy, format_description.txt):
//     00 literal: length - 1 in 6 bits, or 60 to 63 for 1 to 4 bytes of it
//     01 copy: length - 4 in 3 bits, offset in 3 bits and a byte
//     10 copy: length - 1 in 6 bits, offset in 2 bytes
//     11 copy: length - 1 in 6 bits, offset in 4 bytes
import { WadiError } from '../../record/errors.ts';
import { copyBack } from './copy-back.ts';

const magic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const frameHeaderBytes = 16;

function invalid(what: string, at: number): WadiError {
  return new WadiError('invalid_compression', `Not readable as snappy: ${what} at byte ${at}.`);
}

/** Decompresses to at most `maxBytes`; takes no memory but the result. Errors: `invalid_compression`, `decompressed_too_large`. */
export function snappyDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const framed = magic.every((byte, i) => bytes[i] === byte);
  if (framed && bytes.length < frameHeaderBytes) throw invalid('a frame that ends in its header', 0);
  let size = 0;
  for (let block = firstBlock(bytes, framed); block !== undefined; block = blockAt(bytes, block.end)) {
    const declared = readSize(bytes, block.at, block.end);
    // The densest element is a copy of 64 bytes in 3: a size beyond that is a lie, and takes no memory.
    if (declared.size > (block.end - declared.at) * 22) throw invalid(`a size of ${declared.size}`, block.at);
    size += declared.size;
    if (size > maxBytes) throw new WadiError('decompressed_too_large', `Snappy says more than ${maxBytes} bytes.`, { limit: maxBytes });
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (let block = firstBlock(bytes, framed); block !== undefined; block = blockAt(bytes, block.end)) {
    const declared = readSize(bytes, block.at, block.end);
    readElements(bytes, declared.at, block.end, out, at, at + declared.size);
    at += declared.size;
  }
  return out;
}

interface Block {
  readonly at: number;
  readonly end: number;
}

// The blocks are walked twice and never gathered: empty ones would take more memory than what they hold.
function firstBlock(bytes: Uint8Array, framed: boolean): Block | undefined {
  return framed ? blockAt(bytes, frameHeaderBytes) : { at: 0, end: bytes.length };
}

/** The framed block whose length stands at `at`; none at the end, where a raw block ends as well. */
function blockAt(bytes: Uint8Array, at: number): Block | undefined {
  if (at === bytes.length) return undefined;
  if (bytes.length - at < 4) throw invalid('a block without a length', at);
  const length = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  // An empty block has at least its size.
  if (length < 1 || length > bytes.length - at - 4) throw invalid(`a block of ${length} bytes`, at);
  return { at: at + 4, end: at + 4 + length };
}

function readSize(bytes: Uint8Array, start: number, end: number): { size: number; at: number } {
  let size = 0;
  for (let at = start, shift = 0; at < end && shift < 35; shift += 7) {
    const byte = bytes[at++] as number;
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      if (size > 0xffffffff) break;
      return { size, at };
    }
  }
  throw invalid('no size', start);
}

// Fills out[from, to) exactly, from elements in bytes[at, end).
function readElements(bytes: Uint8Array, at: number, end: number, out: Uint8Array, from: number, to: number): void {
  let write = from;
  while (at < end) {
    const tag = bytes[at++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const width = length - 59;
        if (width > end - at) throw invalid('a literal without its length', at);
        length = 0;
        for (let i = 0; i < width; i++) length += (bytes[at + i] as number) * 2 ** (8 * i);
        at += width;
      }
      length++;
      if (length > end - at || length > to - write) throw invalid(`a literal of ${length} bytes`, at);
      if (length < 32) for (let i = 0; i < length; i++) out[write + i] = bytes[at + i] as number;
      else out.set(bytes.subarray(at, at + length), write);
      at += length;
      write += length;
      continue;
    }
    const width = kind === 3 ? 4 : kind;
    if (width > end - at) throw invalid('a copy without its offset', at);
    let offset = bytes[at] as number;
    let length = (tag >>> 2) + 1;
    if (kind === 1) {
      offset |= (tag & 0xe0) << 3;
      length = ((tag >>> 2) & 7) + 4;
    } else {
      offset |= (bytes[at + 1] as number) << 8;
      if (kind === 3) offset += (bytes[at + 2] as number) * 0x1_0000 + (bytes[at + 3] as number) * 0x100_0000;
    }
    at += width;
    if (offset === 0 || offset > write - from || length > to - write) throw invalid(`a copy of ${length} bytes from ${offset} back`, at);
    copyBack(out, write, offset, length);
    write += length;
  }
  if (write !== to) throw invalid(`${write - from} bytes where the size says ${to - from}`, end);
}
