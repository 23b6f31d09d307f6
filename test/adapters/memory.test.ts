import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { memoryWakeups } from '../../src/adapters/memory/wakeups.ts';
import { exists, InvalidWrite, type Item, type Value } from '../../src/log/write.ts';
import { key, put } from './support.ts';

describe('the ledger in memory', () => {
  it('cannot be altered through what was handed in or out', async () => {
    const ledger = memoryLedger();
    const bytes = Uint8Array.of(1);
    const item = { list: [bytes], map: { b: bytes } };
    const spoil = (image: Item | undefined) => {
      const { list, map } = image as { list: Value[]; map: Record<string, Value> };
      (list[0] as Uint8Array)[0] = 99;
      list.push(99);
      map.b = 99;
    };
    const intact = async () => expect(await ledger.read([key('H')], { strong: true })).toEqual([{ list: [Uint8Array.of(1)], map: { b: Uint8Array.of(1) } }]);

    spoil((await ledger.write(put(key('H'), item))).item);
    await intact();
    bytes[0] = 98;
    item.list.push(bytes);
    await intact();
    spoil((await ledger.read([key('H')], { strong: true }))[0]);
    await intact();
    spoil((await ledger.scan({ pk: 'P#test', limit: 1, strong: true })).items[0]?.item);
    await intact();
    spoil((await ledger.write({ key: key('H'), guards: [exists('zz')], action: 'check' })).item);
    await intact();
    const all = await ledger.writeAll([{ key: key('H'), guards: [], action: 'check' }]);
    spoil(all.applied ? all.items?.[0] : undefined);
    await intact();
  });

  it('refuses what no store would keep', async () => {
    const ledger = memoryLedger();
    for (const item of [{ n: 0.5 }, { s: '\ud800' }]) await expect(ledger.write(put(key('H'), item))).rejects.toThrow(InvalidWrite);
    await expect(ledger.write(put(key('é'), {}))).rejects.toThrow(InvalidWrite);
    await expect(ledger.writeAll([put(key('a'), {}), put(key('a'), {})])).rejects.toThrow(InvalidWrite);
    expect(await ledger.read([key('H'), key('a')], { strong: true })).toEqual([undefined, undefined]);
  });
});

it('the object store in memory keeps copies, and the time it is given', async () => {
  const store = memoryObjectStore(() => 5);
  const bytes = Uint8Array.of(1, 2);
  await store.create('a', bytes);
  bytes[0] = 9;
  ((await store.read('a')) as Uint8Array)[1] = 9;
  expect(await store.read('a')).toEqual(Uint8Array.of(1, 2));
  expect(await store.list('', { limit: 1 })).toEqual([{ key: 'a', bytes: 2, modifiedMs: 5 }]);
});

describe('wakeups', () => {
  it('reach every subscriber of the channel until it leaves, and no other', () => {
    const wakeups = memoryWakeups();
    const woken: string[] = [];
    const callback = () => woken.push('a');
    const leave = wakeups.subscribe('one', callback);
    wakeups.subscribe('one', callback);
    wakeups.subscribe('two', () => woken.push('c'));
    wakeups.notify('one');
    expect(woken).toEqual(['a', 'a']);
    leave();
    leave();
    wakeups.notify('one');
    wakeups.notify('nobody');
    expect(woken).toEqual(['a', 'a', 'a']);
  });

  it('bear a callback that leaves and subscribes again', () => {
    const wakeups = memoryWakeups();
    let calls = 0;
    const again = (): void => {
      calls++;
      leave();
      leave = wakeups.subscribe('one', again);
    };
    let leave = wakeups.subscribe('one', again);
    wakeups.notify('one');
    wakeups.notify('one');
    expect(calls).toBe(2);
  });
});
