// Stored batches as an answer: in their order, each with its true base offset, and what is stored untouched (I2).

import { expect, test } from 'vitest';
import { nodeCodecs } from '../../../src/adapters/codecs/node.ts';
import { writeBatches } from '../../../src/http/bodies/batches.ts';
import { storedBatchAt, storedBatches, verifyBatch } from '../../../src/record/batch-header.ts';
import { batchOf, record } from '../../record/support.ts';

test('I2: base offsets stand in the copy alone, and checksums stay true', () => {
  const stored = Uint8Array.from([...batchOf(), ...batchOf([record({ value: null })])]);
  const before = Uint8Array.from(stored);
  const [first, second] = [...storedBatches(stored)];
  if (first === undefined || second === undefined) throw new Error('two batches were written');
  const batches = [
    { header: first, baseOffset: 2 ** 40, nextOffset: 2 ** 40 + 2 },
    { header: second, baseOffset: 2 ** 40 + 2, nextOffset: 2 ** 40 + 3 },
  ];
  const body = writeBatches(batches);
  expect(stored).toEqual(before);
  const written = [...storedBatches(body)];
  expect(written.map(({ baseOffset, recordCount }) => [baseOffset, recordCount])).toEqual([
    [2 ** 40, 2],
    [2 ** 40 + 2, 1],
  ]);
  for (const batch of written) verifyBatch(batch, nodeCodecs);
  expect(storedBatchAt(body, first.length).length).toBe(second.length);
  expect(writeBatches([])).toHaveLength(0);
});
