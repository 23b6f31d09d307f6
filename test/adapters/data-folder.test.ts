import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FolderInUse, openDataFolder } from '../../src/adapters/local/data-folder.ts';
import { child, temporaryFolder } from './support.ts';

async function holder(path: string) {
  const started = child('holder.ts', [path]);
  expect(await started.line()).toBe('started');
  return started;
}

it('creates the folder with its parents and opens it again', async () => {
  const path = join(await temporaryFolder(), 'a', 'b');
  (await openDataFolder(path)).release();
  expect(await readFile(join(path, 'format'), 'utf8')).toBe('wadi 2\n');
  (await openDataFolder(path)).release();
});

it('refuses a second opening in the same process', async () => {
  const folder = await openDataFolder(await temporaryFolder());
  await expect(openDataFolder(folder.path)).rejects.toThrow(/in use by this process already/);
  folder.release();
  (await openDataFolder(folder.path)).release();
});

it('refuses a second process and says who holds the folder; a kill -9 leaves no lock behind', async () => {
  const path = await temporaryFolder();
  const first = await holder(path);
  first.send('go');
  expect(await first.line()).toBe(`held ${first.process.pid}`);

  const refusal = await openDataFolder(path).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(FolderInUse);
  expect(refusal).toMatchObject({ holder: first.process.pid, message: expect.stringContaining(`in use by process ${first.process.pid}. Stop it first`) });

  first.process.kill('SIGKILL');
  await first.ended();
  (await openDataFolder(path)).release();
});

it('lets exactly one of several processes in that start at once', async () => {
  const path = await temporaryFolder();
  const rivals = await Promise.all(Array.from({ length: 5 }, () => holder(path)));
  for (const rival of rivals) rival.send('go');
  const said = await Promise.all(rivals.map((rival) => rival.line()));
  expect(said.filter((line) => line?.startsWith('held'))).toHaveLength(1);
  expect(said.filter((line) => line?.startsWith('refused'))).toHaveLength(4);
});

it('refuses the layout of a newer version, and a folder of somebody else', async () => {
  const path = await temporaryFolder();
  await writeFile(join(path, 'format'), 'wadi 3\n');
  await expect(openDataFolder(path)).rejects.toMatchObject({ reason: 'newer', effect: 'none', message: expect.stringContaining('layout 3') });
  await writeFile(join(path, 'format'), 'not ours');
  await expect(openDataFolder(path)).rejects.toMatchObject({ reason: 'corrupt' });
  await writeFile(join(path, 'format'), 'wadi 1\n');
  (await openDataFolder(path)).release();
  expect(await readFile(join(path, 'format'), 'utf8')).toBe('wadi 2\n');
});
