import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cursor } from '../../src/adapters/local/bytes.ts';
import { openSqliteLedger } from '../../src/adapters/local/sqlite-ledger.ts';
import { openWriter } from '../../src/adapters/local/sqlite-schema.ts';
import { openSqliteStore } from '../../src/adapters/local/sqlite-store.ts';
import { boundOfEntry, type ReceivedWrite, readEntry, writeEntry } from '../../src/adapters/local/write-codec.ts';
import { absent, type Write } from '../../src/log/write.ts';
import { key, put, temporaryFolder } from './support.ts';

function received(...writes: Write[]): ReceivedWrite[] {
  const to = cursor(new Uint8Array(boundOfEntry(writes)));
  const start = writeEntry(to, writes);
  return readEntry(to.bytes, start, to.at);
}

const large = (sk: string) => put(key(sk), { bytes: new Uint8Array(200_000) });

it('a full database: refused without effect, readable, and well again when there is space', async () => {
  const path = join(await temporaryFolder(), 'ledger.db');
  const db = openWriter(path);
  const store = openSqliteStore(path, db);
  expect(store.run([received(put(key('before'), { n: 1 }))])[0]?.status).toBe('applied');
  db.exec('PRAGMA max_page_count = 10');
  const answers = store.run([received(put(key('small'), { n: 1 })), received(large('large'))]);
  for (const answer of answers) expect(answer).toMatchObject({ status: 'failed', failure: { reason: 'full', effect: 'none' } });
  expect(store.run([received({ key: key('before'), guards: [absent('zz')], action: 'check' })])[0]?.status).toBe('applied');
  db.exec('PRAGMA max_page_count = 1000');
  expect(store.run([received(large('large'))])[0]?.status).toBe('applied');
  store.close();

  const ledger = await openSqliteLedger(path);
  expect((await ledger.scan({ pk: 'P#test', limit: 10, strong: true })).items.map(({ sk }) => sk)).toEqual(['before', 'large']);
  await ledger.close();
});

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
  const path = join(disk, 'ledger.db');
  const ledger = await openSqliteLedger(path);
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
  const again = await openSqliteLedger(path);
  expect(await present(again)).toEqual([...answered, '99']);
  await again.close();
});
