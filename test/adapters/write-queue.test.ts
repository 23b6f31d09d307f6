import { expect, it } from 'vitest';
import { receive } from '../../src/adapters/local/decide.ts';
import { type Waiting, writeQueue } from '../../src/adapters/local/write-queue.ts';
import { key, put } from './support.ts';

const mib = 1024 * 1024;
const large = receive([put(key('p'), { bytes: new Uint8Array(15 * mib) })]);

it('I13: a group ends at 1024 calls or 16 MiB, and keeps the order of arrival', () => {
  const queue = writeQueue();
  const small = Array.from({ length: 1500 }, (_, i) => receive([put(key(`k${i}`), { i })]));
  for (const call of [...small, large, large]) void queue.add(call);
  const groups: (readonly Waiting[])[] = [];
  while (!queue.empty) groups.push(queue.take());
  expect(groups.map((group) => group.length)).toEqual([1024, 477, 1]);
  expect(groups.flat().map(({ call }) => call)).toEqual([...small, large, large]);
});

it('I13: what waits or is in flight is bounded; beyond it a call is refused without effect', () => {
  const queue = writeQueue();
  for (let i = 0; i < 17; i++) void queue.add(large);
  const one = queue.take();
  expect(() => queue.add(large)).toThrow(expect.objectContaining({ reason: 'throttled', effect: 'none' }));
  queue.done(one);
  expect(() => queue.add(large)).not.toThrow();
});
