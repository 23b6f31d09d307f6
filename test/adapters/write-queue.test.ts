import { expect, it } from 'vitest';
import { writeQueue } from '../../src/adapters/local/write-queue.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import { key, put } from './support.ts';

const mib = 1024 * 1024;
const large = put(key('p'), { bytes: new Uint8Array(15 * mib) });

it('I13: a group ends at 1024 calls or 16 MiB, and one is in flight at a time', () => {
  const queue = writeQueue();
  for (let i = 0; i < 1500; i++) void queue.add([put(key(`k${i}`), { i })]);
  void queue.add([large]);
  const sizes: number[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    sizes.push(next.entries.length);
    expect(queue.next()).toBeUndefined();
    queue.settle(new Uint8Array(), []);
  }
  expect(sizes).toEqual([1024, 477]);
  void queue.add([large]);
  void queue.add([large]);
  expect(queue.next()?.entries).toHaveLength(1);
});

it('I13: what waits is bounded; beyond it a call is refused without effect', async () => {
  const queue = writeQueue();
  const waiting = Array.from({ length: 17 }, () => queue.add([large]));
  expect(() => queue.add([large])).toThrow(expect.objectContaining({ reason: 'throttled', effect: 'none' }));
  queue.fail(new StoreFailure('closed', 'unknown', 'over'));
  expect(queue.idle).toBe(true);
  for (const call of waiting) await expect(call).rejects.toMatchObject({ reason: 'closed' });
  void queue.add([large]).catch(() => undefined);
});
