// What the record format needs of the world: checksums and compression, passed in so that this folder stays
// free of native code and fit for a browser. `src/adapters/codecs/node.ts` is the one for Node.

/** The five of Kafka. Batches that come ready made may use any of them; batches that we make use none, gzip or zstd. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface Codecs {
  /** CRC-32C (Castagnoli, RFC 3720) as an unsigned 32-bit number. */
  crc32c(bytes: Uint8Array): number;
  /** SHA-256 (FIPS 180-4): 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  compress(compression: 'gzip' | 'zstd', bytes: Uint8Array): Uint8Array;
  /**
   * The decompressed bytes, at most `maxBytes` of them, with about that much memory at the most.
   * Errors: `invalid_compression`, `decompressed_too_large`.
   */
  decompress(compression: Exclude<Compression, 'none'>, bytes: Uint8Array, maxBytes: number): Uint8Array;
}

/** The names in the order of the codes that stand in bits 0 to 2 of a batch's attributes. */
export const compressionByCode: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
