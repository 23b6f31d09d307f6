// Reads an LZ4 frame, Kafka's form of lz4 for record batches v2. Written here for the reason that stands in
// snappy.ts. Checksums in the frame are checked; dictionaries and anything behind the frame are refused.
//
//   frame => magic 04224d18, FLG, BD, [contentSize int64], headerChecksum, blocks, endMark int32 = 0, [contentChecksum int32]
//   FLG   => version 2 bits = 01, blockIndependence, blockChecksum, contentSize, contentChecksum, reserved, dictionary
//   BD    => reserved, blockMaxSize 3 bits (4: 64 KiB to 7: 4 MiB), reserved 4 bits
//   block => length int32 (high bit: stored as it is), data, [checksum int32]
//   data  => sequences of token, [literal length bytes], literals, offset int16, [match length bytes]
//   (github.com/lz4/lz4, doc/lz4_Frame_format.md and lz4_Block_format.md; integers are little-endian)
import { WadiError } from '../../record/errors.ts';
import { copyBack } from './copy-back.ts';
import { xxhash32 } from './xxhash32.ts';

interface Frame {
  independent: boolean;
  blockChecksum: boolean;
  contentChecksum: boolean;
  /** -1 where the frame does not say. */
  contentSize: number;
  blockMaxBytes: number;
  /** Where the blocks start. */
  at: number;
}

function invalid(what: string, at: number): WadiError {
  return new WadiError('invalid_compression', `Not readable as an LZ4 frame: ${what} at byte ${at}.`);
}

function tooLarge(maxBytes: number): WadiError {
  return new WadiError('decompressed_too_large', `The LZ4 frame holds more than ${maxBytes} bytes.`, { limit: maxBytes });
}

/** Decompresses to at most `maxBytes`, with no more memory than that. Errors: `invalid_compression`, `decompressed_too_large`. */
export function lz4Decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frame = readFrame(bytes, view);
  if (frame.contentSize > maxBytes) throw tooLarge(maxBytes);
  const most = mostBytes(view, frame);
  const out = new Uint8Array(Math.min(most, maxBytes, frame.contentSize < 0 ? maxBytes : frame.contentSize));
  let at = frame.at;
  let write = 0;
  for (;;) {
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) break;
    const end = at + (head & 0x7fffffff);
    const blockEnd = Math.min(out.length, write + frame.blockMaxBytes);
    if (head >= 0x8000_0000) {
      if (end - at > frame.blockMaxBytes) throw invalid(`a block of ${end - at} bytes`, at);
      if (end - at > out.length - write) throw shortOf(frame, maxBytes, at);
      out.set(bytes.subarray(at, end), write);
      write += end - at;
    } else {
      const reached = readSequences(bytes, at, end, out, frame.independent ? write : 0, write, blockEnd);
      if (reached < 0) throw blockEnd < write + frame.blockMaxBytes ? shortOf(frame, maxBytes, at) : invalid('a block beyond its size', at);
      write = reached;
    }
    if (frame.blockChecksum && view.getUint32(end, true) !== xxhash32(bytes, at, end)) throw invalid('a block with a wrong checksum', at);
    at = end + (frame.blockChecksum ? 4 : 0);
  }
  if (frame.contentSize >= 0 && write !== frame.contentSize) throw invalid(`${write} bytes where the frame says ${frame.contentSize}`, at);
  if (frame.contentChecksum) {
    if (view.getUint32(at, true) !== xxhash32(out, 0, write)) throw invalid('a wrong checksum', at);
  }
  if (write === out.length) return out;
  // Views of records keep the whole allocation alive.
  return write * 2 < out.length ? out.slice(0, write) : out.subarray(0, write);
}

// The output was full: against the frame's own word, or against the limit?
function shortOf(frame: Frame, maxBytes: number, at: number): WadiError {
  return frame.contentSize >= 0 ? invalid(`more than the ${frame.contentSize} bytes that the frame says`, at) : tooLarge(maxBytes);
}

function readFrame(bytes: Uint8Array, view: DataView): Frame {
  if (bytes.length < 11 || view.getUint32(0, true) !== 0x184d2204) throw invalid('no frame', 0);
  const flags = bytes[4] as number;
  const size = ((bytes[5] as number) >> 4) & 7;
  if (flags >> 6 !== 1 || (flags & 2) !== 0 || ((bytes[5] as number) & 0x8f) !== 0 || size < 4) throw invalid('flags that are not known', 4);
  if ((flags & 1) !== 0) throw invalid('a dictionary', 4);
  const hasSize = (flags & 8) !== 0;
  const end = hasSize ? 14 : 6;
  if (bytes.length < end + 1 + 4) throw invalid('a frame that ends in its header', end);
  if (((xxhash32(bytes, 4, end) >>> 8) & 0xff) !== bytes[end]) throw invalid('a header with a wrong checksum', end);
  return {
    independent: (flags & 32) !== 0,
    blockChecksum: (flags & 16) !== 0,
    contentChecksum: (flags & 4) !== 0,
    contentSize: hasSize ? view.getUint32(6, true) + view.getUint32(10, true) * 0x1_0000_0000 : -1,
    blockMaxBytes: 1 << (8 + 2 * size),
    at: end + 1,
  };
}

// The most that the blocks can become, by their lengths alone; every length lies within the bytes afterwards.
function mostBytes(view: DataView, frame: Frame): number {
  const tail = frame.blockChecksum ? 4 : 0;
  let most = 0;
  for (let at = frame.at; ; ) {
    if (view.byteLength - at < 4) throw invalid('no end mark', at);
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) {
      if (view.byteLength - at !== (frame.contentChecksum ? 4 : 0)) throw invalid('bytes behind the end mark, or none', at);
      return most;
    }
    const length = head & 0x7fffffff;
    if (length + tail > view.byteLength - at) throw invalid(`a block of ${length} bytes`, at);
    // A byte of match length stands for at most 255 bytes, and a token for 19.
    most += head >= 0x8000_0000 ? length : Math.min(frame.blockMaxBytes, length * 255);
    at += length + tail;
  }
}

// Decodes one block into out[write, limit); matches reach back to `floor`. Returns where it ended, -1 where the
// output does not suffice.
function readSequences(bytes: Uint8Array, at: number, end: number, out: Uint8Array, floor: number, write: number, limit: number): number {
  for (;;) {
    if (at >= end) throw invalid('a block without an end', at);
    const token = bytes[at++] as number;
    let length = token >>> 4;
    if (length === 15) {
      for (let byte = 255; byte === 255; length += byte) {
        if (at >= end) throw invalid('a length without an end', at);
        byte = bytes[at++] as number;
      }
    }
    if (length > end - at) throw invalid(`${length} literals`, at);
    if (length > limit - write) return -1;
    if (length < 32) for (let i = 0; i < length; i++) out[write + i] = bytes[at + i] as number;
    else out.set(bytes.subarray(at, at + length), write);
    at += length;
    write += length;
    // The last sequence is literals alone.
    if (at === end) return write;
    if (end - at < 2) throw invalid('a match without its offset', at);
    const offset = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    at += 2;
    length = token & 15;
    if (length === 15) {
      for (let byte = 255; byte === 255; length += byte) {
        if (at >= end) throw invalid('a length without an end', at);
        byte = bytes[at++] as number;
      }
    }
    length += 4;
    if (offset === 0 || offset > write - floor) throw invalid(`a match ${offset} back`, at);
    if (length > limit - write) return -1;
    copyBack(out, write, offset, length);
    write += length;
  }
}
