import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteLedger, type SqliteLedger } from '../../src/adapters/local/sqlite-ledger.ts';
import { absent, add, append, equals, InvalidWrite, set, type Write } from '../../src/log/write.ts';
import { key, put, temporaryFolder } from './support.ts';

async function opened(path?: string): Promise<{ ledger: SqliteLedger; path: string }> {
  const at = path ?? join(await temporaryFolder(), 'ledger.db');
  const ledger = await openSqliteLedger(at);
  onTestFinished(() => ledger.close());
  return { ledger, path: at };
}

const strong = { strong: true };

it('what was written is there after closing and opening, and no WAL is left', async () => {
  const { ledger, path } = await opened();
  await ledger.write(put(key('H'), { nx: 1, ids: [Uint8Array.of(7)] }));
  await ledger.close();
  await expect(stat(`${path}-wal`)).rejects.toMatchObject({ code: 'ENOENT' });
  const again = (await opened(path)).ledger;
  expect(await again.read([key('H'), key('none')], strong)).toStrictEqual([{ nx: 1, ids: [Uint8Array.of(7)] }, undefined]);
});

it('many calls in flight share a transaction, each decided by itself and in order', async () => {
  const { ledger } = await opened();
  await ledger.write(put(key('H'), { nx: 0 }));
  const before = ledger.stats();
  const outcomes = await Promise.all([
    ...Array.from({ length: 100 }, () => ledger.write({ key: key('H'), guards: [], action: 'update', changes: [add('nx', 1)] })),
    ledger.writeAll([put(key('left alone'), { a: 1 }), { ...put(key('H'), {}), guards: [equals('nx', 99)] }]),
    ledger.write({ key: key('H'), guards: [equals('nx', 100)], action: 'check' }),
  ]);
  expect(outcomes.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, i) => ({ applied: true, item: { nx: i + 1 } })));
  expect(outcomes[100]).toEqual({
    applied: false,
    outcomes: [
      { applied: true, item: undefined },
      { applied: false, item: { nx: 100 } },
    ],
  });
  expect(outcomes[101]).toEqual({ applied: true, item: { nx: 100 } });
  expect(await ledger.read([key('left alone')], strong)).toEqual([undefined]);
  const after = ledger.stats();
  expect({ transactions: after.transactions - before.transactions, calls: after.calls - before.calls }).toEqual({ transactions: 1, calls: 102 });
});

it('neither detaches nor reads again what the caller handed in', async () => {
  const { ledger } = await opened();
  const payload = new Uint8Array(300_000).fill(1);
  const write = put(key('p'), { bytes: payload });
  const first = ledger.write({ ...write, guards: [absent('bytes')] });
  payload.fill(2);
  expect((await first).applied).toBe(true);
  expect((await ledger.read([key('p')], strong))[0]).toEqual({ bytes: new Uint8Array(300_000).fill(1) });
  expect((await ledger.write(write)).applied).toBe(true);
  expect((await ledger.read([key('p')], strong))[0]).toEqual({ bytes: new Uint8Array(300_000).fill(2) });
});

it('what a commit answered stays as it was when its buffers are used again', async () => {
  const { ledger } = await opened();
  await ledger.write(put(key('H'), { ids: [] }));
  const images = [];
  for (let i = 0; i < 50; i++) {
    const [outcome] = await Promise.all([
      ledger.write({ key: key('H'), guards: [], action: 'update', changes: [append('ids', [new Uint8Array(16).fill(i)])] }),
      ledger.write(put(key(`p${i}`), { bytes: new Uint8Array(10_000 * (i % 7)).fill(255 - i) })),
    ]);
    images.push(outcome.item);
  }
  for (const [i, image] of images.entries()) expect(image).toEqual({ ids: Array.from({ length: i + 1 }, (_, n) => new Uint8Array(16).fill(n)) });
  expect((await ledger.read([key('H')], strong))[0]).toEqual(images.at(-1));
});

it('takes an item that was put, updated and removed within one transaction', async () => {
  const { ledger } = await opened();
  const update: Write = { key: key('x'), guards: [equals('b', Uint8Array.of(1))], action: 'update', changes: [set('n', 1)] };
  const outcomes = await Promise.all([
    ledger.write(put(key('x'), { b: Uint8Array.of(1) })),
    ledger.write(update),
    ledger.write({ key: key('x'), guards: [equals('n', 1)], action: 'delete' }),
    ledger.write(update),
  ]);
  expect(outcomes.map(({ applied }) => applied)).toEqual([true, true, true, false]);
  expect(outcomes[1]?.item).toEqual({ b: Uint8Array.of(1), n: 1 });
  expect(await ledger.read([key('x')], strong)).toEqual([undefined]);
});

it('refuses what no store would take, and leaves the neighbours in the transaction alone', async () => {
  const { ledger } = await opened();
  const outcomes = await Promise.allSettled([
    ledger.write({ key: key('a'), guards: [], action: 'update', changes: [add('n', 1)] }),
    ledger.write(put(key('b'), { n: 1 })),
    ledger.writeAll([put(key('c'), {}), { key: key('a'), guards: [], action: 'update', changes: [add('n', 1)] }]),
    ledger.write({ key: key('b'), guards: [], action: 'update', changes: [add('n', Number.MAX_SAFE_INTEGER)] }),
    ledger.write(put(key('d'), { bytes: new Uint8Array(17 * 1024 * 1024) })),
    ledger.write(put(key('é'), {})),
    ledger.writeAll([put(key('e'), {}), put(key('e'), {})]),
  ]);
  expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : outcome.value))).toEqual([
    expect.any(InvalidWrite),
    { applied: true, item: { n: 1 } },
    ...Array.from({ length: 5 }, () => expect.any(InvalidWrite)),
  ]);
  expect(
    await ledger.read(
      ['a', 'b', 'c', 'd', 'e'].map((sk) => key(sk)),
      strong,
    ),
  ).toEqual([undefined, { n: 1 }, undefined, undefined, undefined]);
});

it('I13: a page of a scan ends at 16 MiB and says so', async () => {
  const { ledger } = await opened();
  await Promise.all(['a', 'b', 'c'].map((sk) => ledger.write(put(key(sk), { bytes: new Uint8Array(9 * 1024 * 1024) }))));
  const page = await ledger.scan({ pk: 'P#test', limit: 10, strong: true });
  expect(page.items.map(({ sk }) => sk)).toEqual(['a', 'b']);
  expect(page.more).toBe(true);
});

it('closing carries out what waits; later calls fail with "closed"', async () => {
  const { ledger, path } = await opened();
  const waiting = Array.from({ length: 20 }, (_, i) => ledger.write(put(key(`k${i}`), { i })));
  expect(ledger.writable()).toBe(true);
  await ledger.close();
  expect(ledger.writable()).toBe(false);
  expect((await Promise.all(waiting)).every(({ applied }) => applied)).toBe(true);
  for (const call of [ledger.write(put(key('H'), {})), ledger.read([key('H')], strong), ledger.scan({ pk: 'P#test', limit: 1, strong: true })]) {
    await expect(call).rejects.toMatchObject({ reason: 'closed', effect: 'none' });
  }
  const again = (await opened(path)).ledger;
  expect((await again.scan({ pk: 'P#test', limit: 100, strong: true })).items).toHaveLength(20);
});

it('I4: the death of the writing thread leaves what is in flight unknown, and later calls closed', async () => {
  const made = new Promise<Worker>((resolve) => process.once('worker', resolve));
  const { ledger } = await opened();
  const worker = await made;
  const inFlight = [ledger.write(put(key('a'), {})), ledger.writeAll([put(key('b'), {})])].map((call) => call.catch((error: unknown) => error));
  await worker.terminate();
  for (const failure of await Promise.all(inFlight)) expect(failure).toMatchObject({ reason: 'unavailable', effect: 'unknown' });
  expect(ledger.writable()).toBe(false);
  await expect(ledger.write(put(key('c'), {}))).rejects.toMatchObject({ reason: 'closed', effect: 'none' });
  await ledger.close();
});

it('I14: a byte flipped at rest is named and never served; its neighbours are', async () => {
  const { ledger, path } = await opened();
  const payload = new TextEncoder().encode('a payload that can be found in the file');
  await ledger.write(put(key('damaged'), { payload, n: 1 }));
  await ledger.write(put(key('whole'), { n: 2 }));
  await ledger.close();
  const file = await readFile(path);
  const at = file.indexOf(payload);
  expect(at).toBeGreaterThan(0);
  file[at + 5] = (file[at + 5] as number) ^ 4;
  await writeFile(path, file);

  const again = (await opened(path)).ledger;
  const damage = { reason: 'corrupt', effect: 'none', message: expect.stringContaining('P#test / damaged') };
  await expect(again.read([key('damaged')], strong)).rejects.toMatchObject(damage);
  await expect(again.scan({ pk: 'P#test', limit: 10, strong: true })).rejects.toMatchObject(damage);
  const [refused, written] = await Promise.allSettled([
    again.write({ key: key('damaged'), guards: [], action: 'update', changes: [add('n', 1)] }),
    again.write({ key: key('whole'), guards: [], action: 'update', changes: [add('n', 1)] }),
  ]);
  expect(refused).toMatchObject({ status: 'rejected', reason: damage });
  expect(written).toMatchObject({ status: 'fulfilled', value: { applied: true, item: { n: 3 } } });
  expect(await again.read([key('whole')], strong)).toEqual([{ n: 3 }]);
});

it('a damaged page fails those who need it, not those who share their transaction', async () => {
  const { ledger, path } = await opened();
  const names = Array.from({ length: 60 }, (_, i) => `k${10 + i}`);
  for (const sk of names) await ledger.write(put(key(sk), { bytes: new Uint8Array(3000), mark: `mark of ${sk}` }));
  await ledger.close();
  const file = await readFile(path);
  const pageBytes = file.readUInt16BE(16);
  const start = file.indexOf('mark of k40') - (file.indexOf('mark of k40') % pageBytes);
  await writeFile(path, file.fill(0xff, start, start + pageBytes));

  const again = (await opened(path)).ledger;
  const settled = await Promise.allSettled(names.map((sk) => again.write({ key: key(sk), guards: [], action: 'update', changes: [set('n', 1)] })));
  expect(settled[0]).toMatchObject({ status: 'fulfilled', value: { applied: true } });
  expect(settled.at(-1)).toMatchObject({ status: 'fulfilled', value: { applied: true } });
  expect(settled[30]).toMatchObject({ status: 'rejected', reason: { reason: 'corrupt', effect: 'none' } });
  expect((await again.read([key('k10')], strong))[0]).toMatchObject({ n: 1 });
});

it('I13: checkpoints keep the WAL small', async () => {
  const { ledger, path } = await opened();
  for (let i = 0; i < 30; i++) await ledger.write(put(key(`p${i}`), { bytes: new Uint8Array(8 * 1024 * 1024) }));
  expect(ledger.stats().checkpoints).toBeGreaterThan(3);
  expect((await stat(`${path}-wal`)).size).toBeLessThan(64 * 1024 * 1024);
});

it('refuses a schema of the future and a file that is no database', async () => {
  const { ledger, path } = await opened();
  await ledger.close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 2');
  db.close();
  await expect(openSqliteLedger(path)).rejects.toMatchObject({ reason: 'newer', effect: 'none', message: expect.stringContaining('schema version 2') });
  await writeFile(path, 'x'.repeat(5000));
  await expect(openSqliteLedger(path)).rejects.toMatchObject({ reason: 'corrupt', effect: 'none' });
  await expect(openSqliteLedger(join(path, 'nowhere', 'ledger.db'))).rejects.toMatchObject({ reason: 'unavailable', effect: 'none' });
});
