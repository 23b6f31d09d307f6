import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { encodeItem, joined } from '../../src/adapters/local/item-codec.ts';
import { openJournal } from '../../src/adapters/local/journal.ts';
import { openJournalLedger } from '../../src/adapters/local/journal-ledger.ts';
import { absent, add, append, equals, InvalidWrite, type Key, set, type Write } from '../../src/log/write.ts';
import { StoreFailure } from '../../src/ports/failure.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { key, put, temporaryFolder } from './support.ts';
import { opened, pathsIn, strong } from './support-ledger.ts';

const databaseIn = (folder: string) => pathsIn(folder).databasePath;

it('what was written is there after closing and opening, and no WAL is left', async () => {
  const { ledger, path } = await opened();
  await ledger.write(put(key('H'), { nx: 1, ids: [Uint8Array.of(7)] }));
  await ledger.close();
  await expect(stat(`${databaseIn(path)}-wal`)).rejects.toMatchObject({ code: 'ENOENT' });
  const again = (await opened(path)).ledger;
  expect(await again.read([key('H'), key('none')], strong)).toStrictEqual([{ nx: 1, ids: [Uint8Array.of(7)] }, undefined]);
});

it('many calls in flight share a group, each decided by itself and in order', async () => {
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
  expect({ groups: after.groups - before.groups, calls: after.calls - before.calls }).toEqual({ groups: 1, calls: 102 });
});

it('what the caller handed in is its own again once the call has answered, and what it reads is its own at once', async () => {
  const { ledger } = await opened();
  for (const bytes of [300_000, 30]) {
    const payload = new Uint8Array(bytes).fill(1);
    const write = put(key('p'), { bytes: payload });
    expect((await ledger.write({ ...write, guards: [absent('nothing')] })).applied).toBe(true);
    payload.fill(2);
    const [first] = await ledger.read([key('p')], strong);
    expect(first).toEqual({ bytes: new Uint8Array(bytes).fill(1) });
    (first as { bytes: Uint8Array }).bytes.fill(3);
    expect((await ledger.read([key('p')], strong))[0]).toEqual({ bytes: new Uint8Array(bytes).fill(1) });
    expect((await ledger.write(write)).applied).toBe(true);
    expect((await ledger.read([key('p')], strong))[0]).toEqual({ bytes: new Uint8Array(bytes).fill(2) });
  }
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

it('takes an item that was put, updated and removed within one group', async () => {
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

it('refuses what no store would take, and leaves the neighbours in the group alone', async () => {
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

it('the death of the thread that makes checkpoints leaves what was written, and takes no more', async () => {
  const made = new Promise<Worker>((resolve) => process.once('worker', resolve));
  const { ledger, path } = await opened();
  const worker = await made;
  await ledger.write(put(key('a'), { n: 1 }));
  await worker.terminate();
  expect(ledger.writable()).toBe(false);
  await expect(ledger.write(put(key('b'), {}))).rejects.toMatchObject({ reason: 'closed', effect: 'none' });
  expect(await ledger.read([key('a'), key('b')], strong)).toEqual([{ n: 1 }, undefined]);
  await ledger.close();
  expect(await (await opened(path)).ledger.read([key('a'), key('b')], strong)).toEqual([{ n: 1 }, undefined]);
});

it.each([
  ['a large item, which lies in the journal', 5000],
  ['a small item, which lies in SQLite', 50],
])('I14: a byte flipped at rest in %s is named and never served; its neighbours are', async (_, size) => {
  const { ledger, path } = await opened();
  const payload = new TextEncoder().encode('a payload that can be found in the file'.padEnd(size, '.'));
  await ledger.write(put(key('damaged'), { payload, n: 1 }));
  await ledger.write(put(key('whole'), { n: 2 }));
  await ledger.close();
  const [name] = await readdir(pathsIn(path).journalPath);
  const place = size > 4096 ? join(pathsIn(path).journalPath, name as string) : databaseIn(path);
  const file = await readFile(place);
  const at = file.indexOf(payload);
  expect(at).toBeGreaterThan(0);
  file[at + 5] = (file[at + 5] as number) ^ 4;
  await writeFile(place, file);

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

it('a damaged page fails those who need it, not those who share their group', async () => {
  const { ledger, path } = await opened();
  const names = Array.from({ length: 60 }, (_, i) => `k${10 + i}`);
  for (const sk of names) await ledger.write(put(key(sk), { bytes: new Uint8Array(3000), mark: `mark of ${sk}` }));
  await ledger.close();
  const file = await readFile(databaseIn(path));
  const pageBytes = file.readUInt16BE(16);
  const start = file.indexOf('mark of k40') - (file.indexOf('mark of k40') % pageBytes);
  await writeFile(databaseIn(path), file.fill(0xff, start, start + pageBytes));

  const again = (await opened(path)).ledger;
  const settled = await Promise.allSettled(names.map((sk) => again.write({ key: key(sk), guards: [], action: 'update', changes: [set('n', 1)] })));
  expect(settled[0]).toMatchObject({ status: 'fulfilled', value: { applied: true } });
  expect(settled.at(-1)).toMatchObject({ status: 'fulfilled', value: { applied: true } });
  expect(settled[30]).toMatchObject({ status: 'rejected', reason: { reason: 'corrupt', effect: 'none' } });
  expect((await again.read([key('k10')], strong))[0]).toMatchObject({ n: 1 });
});

it('checkpoints go on beside writes: what they took over, and what came after, is there', async () => {
  const { ledger, path } = await opened();
  const written = Array.from({ length: 9000 }, (_, i) => i);
  for (let at = 0; at < written.length; at += 300) {
    await Promise.all(
      written
        .slice(at, at + 300)
        .map((i) => ledger.writeAll([put(key(`k${i}`), { i }), { key: key('sum'), guards: [], action: 'update', changes: [{ change: 'startThenAdd', path: 'n', start: 0, by: 1 }] }])),
    );
  }
  expect(ledger.stats().checkpoints).toBeGreaterThan(1);
  const check = async (from: typeof ledger) => {
    const found = await from.read([...written.map((i) => key(`k${i}`)), key('sum')], strong);
    expect(found).toEqual([...written.map((i) => ({ i })), { n: written.length }]);
  };
  await check(ledger);
  await ledger.close();
  await check((await opened(path)).ledger);
});

it('I13: a journal file goes when nothing stands in it any more, and not before', async () => {
  const { ledger, path } = await opened();
  const mib = 1024 * 1024;
  const large = Array.from({ length: 24 }, (_, i) => key(`large ${i}`));
  for (const at of large) await ledger.write(put(at, { bytes: new Uint8Array(8 * mib).fill(7) }));
  const files = () => readdir(pathsIn(path).journalPath);
  const before = await files();
  expect(before.length).toBeGreaterThan(2);
  for (const at of large.slice(0, -1)) await ledger.write({ key: at, guards: [], action: 'delete' });
  await ledger.close();
  const again = (await opened(path)).ledger;
  expect((await files()).length).toBeLessThan(before.length);
  expect((await again.read([large[0] as Key, large.at(-1) as Key], strong)).map((item) => (item?.['bytes'] as Uint8Array | undefined)?.length)).toEqual([undefined, 8 * mib]);
});

it.each([
  [1, ''],
  [2, 'CREATE TABLE journal (file INTEGER NOT NULL, position INTEGER NOT NULL, sequence INTEGER NOT NULL); CREATE TABLE journal_files (file INTEGER PRIMARY KEY, live_bytes INTEGER NOT NULL); '],
])('takes over a database of version %i', async (version, more) => {
  const { path } = await opened();
  const folder = join(path, 'old');
  await mkdir(folder);
  const db = new DatabaseSync(databaseIn(folder));
  db.exec(`CREATE TABLE items (pk TEXT NOT NULL, sk TEXT NOT NULL, item BLOB NOT NULL, PRIMARY KEY (pk, sk)); ${more}PRAGMA user_version = ${version}`);
  const old = { n: 1, bytes: new Uint8Array(9000).fill(5) };
  db.prepare('INSERT INTO items VALUES (?, ?, ?)').run('P#test', 'H', joined(encodeItem(key('H'), old)));
  db.close();
  const { ledger } = await opened(folder);
  expect(await ledger.read([key('H')], strong)).toEqual([old]);
  expect(await ledger.write({ key: key('H'), guards: [equals('n', 1)], action: 'update', changes: [add('n', 1)] })).toEqual({ applied: true, item: { ...old, n: 2 } });
});

it('tells what has expired, oldest first: also what was read again from the journal, not what was written anew or removed', async () => {
  const { ledger, path } = await opened();
  const write = (to: Ledger, sk: string, ttl?: number) => to.write(put(key(sk), { n: 1, ...(ttl === undefined ? {} : { ttl }) }));
  const told = async (from: Ledger, atS: number, limit = 10) => ((await from.expired?.(atS, limit)) ?? []).map(({ sk }) => sk);
  await write(ledger, 'b', 200);
  await write(ledger, 'a', 100);
  await write(ledger, 'c');
  const copy = join(path, '..', `${basename(path)}-copy`);
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  await cp(path, copy, { recursive: true });
  await ledger.close();
  // The copy was made before the checkpoint that the end of the first one made.
  for (const folder of [path, copy]) {
    await (await opened(folder)).ledger.close();
    const again = (await opened(folder)).ledger;
    expect([await told(again, 99), await told(again, 100), await told(again, 300, 1), await told(again, 300)]).toEqual([[], ['a'], ['a'], ['a', 'b']]);
    await write(again, 'a', 400);
    await again.write({ key: key('b'), guards: [], action: 'delete' });
    expect(await told(again, 500)).toEqual([]);
    await again.close();
    expect(await told((await opened(folder)).ledger, 500)).toEqual(['a']);
  }
});

it('refuses a schema of the future and a file that is no database', async () => {
  const { ledger, path } = await opened();
  await ledger.close();
  const db = new DatabaseSync(databaseIn(path));
  db.exec('PRAGMA user_version = 4');
  db.close();
  await expect(openJournalLedger(pathsIn(path))).rejects.toMatchObject({ reason: 'newer', effect: 'none', message: expect.stringContaining('schema version 4') });
  await writeFile(databaseIn(path), 'x'.repeat(5000));
  await expect(openJournalLedger(pathsIn(path))).rejects.toMatchObject({ reason: 'corrupt', effect: 'none' });
  await expect(openJournalLedger(pathsIn(join(path, 'nowhere')))).rejects.toMatchObject({ reason: 'unavailable', effect: 'none' });
});

it("what an update was given is the caller's again once it has answered", async () => {
  const { ledger } = await opened();
  const [bytes, list] = [new Uint8Array(16).fill(1), [Uint8Array.of(1)]];
  await ledger.write({ key: key('x'), guards: [], action: 'update', changes: [set('b', bytes), set('l', list), set('n', 0)] });
  bytes.fill(2);
  list[0]?.fill(2);
  await ledger.write({ key: key('x'), guards: [], action: 'update', changes: [add('n', 1)] });
  expect(await ledger.read([key('x')], strong)).toEqual([{ b: new Uint8Array(16).fill(1), l: [Uint8Array.of(1)], n: 1 }]);
});

it('a thread that dies while the journal is read again is noticed', async () => {
  const path = await temporaryFolder();
  const folder = pathsIn(path).journalPath;
  await mkdir(folder);
  const start = { file: 1, position: 0, sequence: 0 };
  const journal = await openJournal(folder, undefined, start);
  for (let i = 0; i < 7; i++) await journal.append([{ key: key(`l${i}`), encoded: encodeItem(key(`l${i}`), { b: new Uint8Array(9_000_000) }) }]);
  await journal.close();
  const thread = once(process, 'worker') as Promise<[Worker]>;
  const opening = openJournalLedger(pathsIn(path));
  const [worker] = await thread;
  worker.once('message', () => void worker.terminate());
  await once(worker, 'exit');
  const ledger = await opening;
  await expect(ledger.write(put(key('a'), { n: 1 }))).rejects.toMatchObject({ message: expect.stringContaining('restart') });
  expect(ledger.writable()).toBe(false);
  await ledger.close();
});

it('what the file system refuses at the start has a name', async () => {
  const { ledger, path } = await opened();
  await ledger.close();
  await mkdir(join(pathsIn(path).journalPath, '0000000002.wadi'));
  await expect(openJournalLedger(pathsIn(path))).rejects.toBeInstanceOf(StoreFailure);
});

it('I13: after closing nothing is under way, and files without items are gone', async () => {
  const { ledger, path } = await opened();
  const large = Array.from({ length: 20 }, (_, i) => key(`large ${i}`));
  for (const at of large) await ledger.write(put(at, { bytes: new Uint8Array(15 * 1024 * 1024).fill(7) }));
  const before = (await readdir(pathsIn(path).journalPath)).length;
  for (const at of large) await ledger.write({ key: at, guards: [], action: 'delete' });
  await ledger.close();
  const after = await readdir(pathsIn(path).journalPath);
  expect(after.length).toBeLessThan(before - 2);
  await (await openJournalLedger(pathsIn(path))).close();
  expect((await readdir(pathsIn(path).journalPath)).length).toBeLessThanOrEqual(after.length);
});

it('what is read while the ledger closes is answered', async () => {
  const { ledger } = await opened();
  const keys = Array.from({ length: 12 }, (_, i) => key(`a${i}`));
  for (const at of keys) await ledger.write(put(at, { b: new Uint8Array(12_000_000).fill(7) }));
  const reads = keys.map(async (at) => (await ledger.read([at], strong)).length);
  await ledger.close();
  expect(await Promise.all(reads)).toEqual(keys.map(() => 1));
  await expect(ledger.read(keys, strong)).rejects.toMatchObject({ reason: 'closed' });
});
