// Content that its name determines, from 1 byte to about 100 KB.

import { createHash } from 'node:crypto';

export function content(name: string): Uint8Array {
  const seed = createHash('sha256').update(name).digest();
  return new Uint8Array(Buffer.alloc(1 + (seed.readUInt32LE() % 100_000), seed));
}
