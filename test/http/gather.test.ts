// A body costs about its bytes in memory, however small the chunks are that it comes in (I13).

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { gather } from '../../src/http/gather.ts';

const ofSize = (size: number, from = 0): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_, i) => from + i));

it.each([
  [[], undefined],
  [[1, 1, 1], undefined],
  [[1, 40_000, 3], undefined],
  [[40_000, 1, 16_384, 70_000], undefined],
  [[10, 0, 90], 100],
  [[600_000, 600_000], 1_200_000],
  [[1, 1_199_999], 1_200_000],
] as const)('chunks of %j bytes, %s announced: what came, in a buffer of hardly more', (sizes, length) => {
  const gathered = gather(length);
  const chunks = sizes.map((size, i) => ofSize(size, i));
  for (const chunk of chunks) gathered.add(chunk);
  const bytes = gathered.bytes();
  expect(Buffer.compare(bytes, Buffer.concat(chunks))).toBe(0);
  expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * bytes.length);
});

it('does not copy the only chunk, unless it would keep a much larger buffer', () => {
  const own = new Uint8Array(1000);
  const [whole, part] = [gather(1000), gather()];
  whole.add(own);
  part.add(own.subarray(10, 20));
  expect(whole.bytes().buffer).toBe(own.buffer);
  expect(part.bytes().buffer.byteLength).toBe(10);
});

it('announced bytes take no space before they come', () => {
  const gathered = gather(8 * 2 ** 20);
  gathered.add(ofSize(1));
  gathered.add(ofSize(1));
  expect(gathered.bytes().buffer.byteLength).toBeLessThanOrEqual(4);
});

it('I13: many chunks of one byte leave no objects behind', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const heldBytes = (): number => {
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = heldBytes();
  const gathered = gather();
  for (let i = 0; i < 300_000; i++) gathered.add(Uint8Array.of(i));
  expect(heldBytes() - before).toBeLessThan(8 * 2 ** 20);
  expect(gathered.bytes()).toHaveLength(300_000);
});
