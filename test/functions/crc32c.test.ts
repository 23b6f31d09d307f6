// The checksum that bundles have in place of the native one (scripts/bundle-functions.ts).

import { createRequire } from 'node:module';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const { buf } = createRequire(import.meta.url)('crc-32/crc32c.js') as { buf(bytes: Uint8Array): number };

it('is the native one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.nat(20), (bytes, skipped) => {
      const part = bytes.subarray(skipped);
      expect(buf(part) >>> 0).toBe(crc32c(part));
    }),
  );
});
