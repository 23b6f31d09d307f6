// What the stores on AWS make of an answer that is lost: a write is never sent again, a read is.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { absent } from '../../src/log/write.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { hasDynoxide, ledgerOn, startDynoxide } from '../support/emulators.ts';
import { type Front, startFront } from '../support/store-front.ts';

if (!hasDynoxide()) console.log('Lost answers of DynamoDB are not tested: dynoxide is not there for this platform.');

describe.skipIf(!hasDynoxide())('the ledger on DynamoDB', () => {
  const key = { pk: 'p', sk: 's' };
  const add = { key, guards: [], action: 'update', changes: [{ change: 'set', path: 'n', value: 1 }] } as const;
  let lose = 0;
  let twice = false;
  let front: Front;
  let ledger: Ledger;
  let release: () => Promise<void>;

  beforeAll(async () => {
    const dynamo = await startDynoxide();
    front = await startFront(dynamo, { fate: () => (twice ? 'twice' : lose-- > 0 ? 'lost' : 'once') });
    const opened = await ledgerOn(front);
    ledger = opened.ledger;
    release = async () => {
      opened.close();
      await front.stop();
      await dynamo.stop();
    };
  });
  afterAll(() => release());

  it('I4: a write without an answer may stand, is told so, and is not sent again', async () => {
    const before = front.counts.calls;
    lose = 1;
    await expect(ledger.write(add)).rejects.toMatchObject({ name: 'StoreFailure', reason: 'unavailable', effect: 'unknown' });
    lose = 1;
    await expect(ledger.writeAll([add, { ...add, key: { pk: 'p', sk: 'other' } }])).rejects.toMatchObject({ name: 'StoreFailure', effect: 'unknown' });
    expect(front.counts.calls - before).toBe(2);
    expect(await ledger.read([key], { strong: true })).toEqual([{ n: 1 }]);
  });

  it('a read without an answer is sent once more, and no oftener', async () => {
    for (const ask of [() => ledger.read([key], { strong: true }), () => ledger.read([key, { pk: 'p', sk: 'none' }], { strong: false }), () => ledger.scan({ pk: 'p', limit: 1, strong: true })]) {
      const before = front.counts.calls;
      lose = 1;
      await ask();
      expect(front.counts.calls - before).toBe(2);
      lose = 2;
      await expect(ask()).rejects.toMatchObject({ name: 'StoreFailure' });
      expect(front.counts.calls - before).toBe(4);
    }
  });

  it('a transaction that arrives twice is carried out once, and both times told to stand', async () => {
    twice = true;
    const create = (sk: string) => ({ key: { pk: 'twice', sk }, guards: [absent('n')], action: 'put', item: { n: 1 } }) as const;
    const outcome = await ledger.writeAll([create('a'), create('b')]);
    twice = false;
    expect(outcome.applied).toBe(true);
  });
});
