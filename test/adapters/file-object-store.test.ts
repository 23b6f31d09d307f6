import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InvalidObjectKey, openFileObjectStore } from '../../src/adapters/local/file-object-store.ts';
import { child, temporaryFolder } from './support.ts';

async function opened() {
  const path = await temporaryFolder();
  const [root, aside] = [join(path, 'objects'), join(path, 'aside')];
  await mkdir(aside);
  return { root, aside, store: await openFileObjectStore({ root, aside }) };
}

it('writes an object once, under its name and nowhere else', async () => {
  const { root, aside, store } = await opened();
  expect(await store.create('l0/ab/00000001/x', Uint8Array.of(1, 2, 3))).toBe('created');
  expect(await store.create('l0/ab/00000001/x', Uint8Array.of(9))).toBe('exists');
  expect([...(await readFile(join(root, 'l0/ab/00000001/x')))]).toEqual([1, 2, 3]);
  expect(await readdir(aside)).toEqual([]);
});

it('I2: of several creations of one name at once exactly one stands, whole', async () => {
  const { store } = await opened();
  const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => store.create('k/x', new Uint8Array(100_000).fill(i))));
  const winner = outcomes.indexOf('created');
  expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
  expect(await store.read('k/x')).toEqual(new Uint8Array(100_000).fill(winner));
});

it('removes what a killed process left unfinished, and nothing else', async () => {
  const { root, aside, store } = await opened();
  await store.create('a/b', Uint8Array.of(1));
  await writeFile(join(aside, '123-0'), 'unfinished');
  const again = await openFileObjectStore({ root, aside });
  expect(await readdir(aside)).toEqual([]);
  expect(await again.read('a/b')).toEqual(Uint8Array.of(1));
});

it.each(['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/..', '../a', 'a/../b', 'a/./b', 'a b', 'a\\b', 'é', 'a\0b', 'x'.repeat(600)])('refuses the key %j', async (key) => {
  const { store } = await opened();
  await expect(store.create(key, Uint8Array.of(1))).rejects.toThrow(InvalidObjectKey);
  await expect(async () => store.read(key)).rejects.toThrow(InvalidObjectKey);
  await expect(store.delete([key])).rejects.toThrow(InvalidObjectKey);
});

it('tells ages by the time of the file system', async () => {
  const { root, store } = await opened();
  await store.create('a/b', Uint8Array.of(1));
  const [fresh] = await store.list('', { limit: 1 });
  expect(Math.abs((await store.nowMs()) - (fresh?.modifiedMs ?? 0))).toBeLessThan(60_000);
  await utimes(join(root, 'a/b'), 1000, 1000);
  expect((await store.list('', { limit: 1 }))[0]?.modifiedMs).toBe(1_000_000);
});

it('an object that was cut short answers what there is, for its reader to refuse; one that is gone is undefined', async () => {
  const { root, store } = await opened();
  await store.create('a/b', new Uint8Array(100).fill(7));
  await truncate(join(root, 'a/b'), 40);
  expect(await store.read('a/b', { start: 30, end: 60 })).toEqual(new Uint8Array(10).fill(7));
  await rm(join(root, 'a'), { recursive: true });
  expect(await store.read('a/b')).toBeUndefined();
  expect(await store.list('a/', { limit: 5 })).toEqual([]);
  await store.delete(['a/b']);
});

it('I4: a write that finds no space is refused without effect and leaves nothing; others go on', { timeout: 20_000 }, async () => {
  const path = await temporaryFolder();
  // A limit on the size of a file is as good as a small disk, and anybody may set it: EFBIG for ENOSPC.
  const filler = child('fills-files.ts', [path], ['prlimit', '--fsize=1000000']);
  expect([await filler.line(), await filler.line(), await filler.line()]).toEqual(['a/small created', 'a/large full none', 'a/other created']);
  await filler.ended();
  expect(await readdir(join(path, 'aside'))).toEqual([]);
  expect((await readdir(join(path, 'objects', 'a'))).sort()).toEqual(['other', 'small']);
});
