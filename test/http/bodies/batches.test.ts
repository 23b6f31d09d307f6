// Stored batches as an answer: in their order, the same bytes, nothing copied.

import { expect, test } from 'vitest';
import { viewBatches } from '../../../src/http/bodies/batches.ts';
import { storedBatches } from '../../../src/record/batch-header.ts';
import { batchOf, record } from '../../record/support.ts';

test('batches that stand side by side make one view, others one each', () => {
  const one = Uint8Array.from([...batchOf(), ...batchOf([record({ value: null })]), ...batchOf()]);
  const other = Uint8Array.from(batchOf());
  const [a, b, c] = [...storedBatches(one)];
  const [d] = [...storedBatches(other)];
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four batches were written');
  expect(viewBatches([a, b, d]).map((view) => [view.buffer, view.byteOffset, view.length])).toEqual([
    [one.buffer, 0, a.length + b.length],
    [other.buffer, 0, d.length],
  ]);
  expect(viewBatches([a, c]).map(({ length }) => length)).toEqual([a.length, c.length]);
  expect(viewBatches([])).toEqual([]);
});
