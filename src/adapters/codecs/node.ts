// Checksums and compression for Node: gzip and zstd by node:zlib, snappy and lz4 by the readers beside this
// file, CRC-32C by a native module (docs/adr/0004).
import { createHash } from 'node:crypto';
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import type { Codecs } from '../../record/codecs.ts';
import { WadiError } from '../../record/errors.ts';
import { lz4Decompress } from './lz4.ts';
import { snappyDecompress } from './snappy.ts';

// Output is gathered in chunks of this size; the default of 16 KiB makes many small ones of a large batch.
const chunkSize = 64 * 1024;

/** The decompressor refuses a window beyond its limit, or output beyond maxOutputLength; all else is damage. */
const tooLargeCodes = new Set(['ERR_BUFFER_TOO_LARGE', 'ZSTD_error_frameParameter_windowTooLarge']);

/** What zlib answers with `info`: the engine tells how much of the input it read. */
type Inflated = { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };

/** `run` decompresses with `info`, which @types/node does not know of. */
function inflate(name: string, input: Uint8Array, run: () => unknown, maxBytes: number): Uint8Array {
  let inflated: Inflated;
  try {
    inflated = run() as Inflated;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (tooLargeCodes.has(code)) throw new WadiError('decompressed_too_large', `The ${name} data becomes more than ${maxBytes} bytes.`, { limit: maxBytes }, { cause });
    throw new WadiError('invalid_compression', `Not readable as ${name} (${code}).`, {}, { cause });
  }
  // zlib stops in silence at the end of the first zstd frame, and at zeros behind gzip; other readers go on there.
  const read = inflated.engine.bytesWritten;
  if (read !== input.length) throw new WadiError('invalid_compression', `Not readable as ${name}: ${input.length - read} bytes follow its end.`);
  return inflated.buffer;
}

/** The window that a zstd frame may ask for: not less than every encoder's default, not more than the result may have. */
function windowLog(maxBytes: number): number {
  return Math.min(27, Math.max(23, Math.ceil(Math.log2(maxBytes))));
}

export const nodeCodecs: Codecs = {
  crc32c,
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  compress: (compression, bytes) => (compression === 'gzip' ? gzipSync(bytes) : zstdCompressSync(bytes)),
  decompress: (compression, bytes, maxBytes) => {
    switch (compression) {
      case 'gzip':
        return inflate('gzip', bytes, () => gunzipSync(bytes, { maxOutputLength: maxBytes, chunkSize, info: true }), maxBytes);
      case 'zstd':
        return inflate(
          'zstd',
          bytes,
          () => zstdDecompressSync(bytes, { maxOutputLength: maxBytes, chunkSize, info: true, params: { [constants.ZSTD_d_windowLogMax]: windowLog(maxBytes) } }),
          maxBytes,
        );
      case 'snappy':
        return snappyDecompress(bytes, maxBytes);
      case 'lz4':
        return lz4Decompress(bytes, maxBytes);
    }
  },
};
