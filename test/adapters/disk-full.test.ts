import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openDataFolder } from '../../src/adapters/local/data-folder.ts';
import { openJournalLedger } from '../../src/adapters/local/journal-ledger.ts';
import { key, put, temporaryFolder } from './support.ts';
import { pathsIn } from './support-ledger.ts';

const large = (sk: string) => put(key(sk), { bytes: new Uint8Array(200_000) });

/** A file system of 6 MiB; undefined where this machine may not mount one. */
async function smallDisk(): Promise<string | undefined> {
  const path = await temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', path], { stdio: 'ignore' }));
  return path;
}

it('a full disk: refused without effect, fetches go on, and what was answered is there after', async ({ skip }) => {
  const disk = await smallDisk();
  if (disk === undefined) return skip('this machine may not mount a small disk');
  const ledger = await openJournalLedger(pathsIn(disk));
  const answered: string[] = [];
  const refused: string[] = [];
  for (let n = 0; n < 60; n++) {
    const sk = String(n).padStart(2, '0');
    await ledger.write(large(sk)).then(
      () => answered.push(sk),
      (error: unknown) => {
        expect(error).toMatchObject({ reason: 'full', effect: 'none' });
        refused.push(sk);
      },
    );
  }
  expect(answered.length).toBeGreaterThan(3);
  expect(refused.length).toBeGreaterThan(3);
  const present = async (from: typeof ledger) => (await from.scan({ pk: 'P#test', limit: 100, strong: true })).items.map(({ sk }) => sk);
  expect(await present(ledger)).toEqual(answered);

  execFileSync('mount', ['-o', 'remount,size=64m', disk]);
  expect((await ledger.write(large('99'))).applied).toBe(true);
  await ledger.close();
  const again = await openJournalLedger(pathsIn(disk));
  expect(await present(again)).toEqual([...answered, '99']);
  await again.close();
});

it('a full disk keeps no data folder from opening, nor leaves it locked', async ({ skip }) => {
  const disk = await smallDisk();
  if (disk === undefined) return skip('this machine may not mount a small disk');
  (await openDataFolder(disk)).release();
  const filler = join(disk, 'filler');
  const fill = open(filler, 'w');
  await expect(fill.then((file) => file.writeFile(new Uint8Array(8 * 1024 * 1024)))).rejects.toMatchObject({ code: 'ENOSPC' });
  await (await fill).close();
  const attempt = async () => (await openDataFolder(disk)).release();
  await attempt().catch((error: unknown) => expect(error).toMatchObject({ reason: 'full' }));
  await rm(filler);
  await attempt();
});
