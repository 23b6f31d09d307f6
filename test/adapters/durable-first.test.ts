import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { openJournalLedger } from '../../src/adapters/local/journal-ledger.ts';
import { child, temporaryFolder } from './support.ts';
import { pathsIn } from './support-ledger.ts';

const noStrace = spawnSync('strace', ['-V']).status !== 0;

it.skipIf(noStrace)('I3: no commit is seen before its sync; after a failed one the ledger takes no more writes', { timeout: 30_000 }, async ({ skip }) => {
  const path = await temporaryFolder();
  const writer = child('sync-fails.ts', [path]);
  expect(await writer.line()).toBe('applied');

  const faults = spawn('strace', ['-f', '-p', String(writer.process.pid), '-o', '/dev/null', '-e', 'trace=pwrite64,pwritev', '-e', 'inject=pwrite64,pwritev:error=EIO:delay_enter=300000'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void faults.kill('SIGKILL'));
  const [attached] = (await once(createInterface({ input: faults.stderr }), 'line')) as [string];
  if (!attached.includes('attached')) return skip(`strace may not attach here: ${attached}`);

  writer.send('go');
  expect(await writer.line()).toBe('unavailable unknown');
  expect(await writer.line()).toBe('many looks, before');
  expect(await writer.line()).toBe('closed none, not writable');
  await writer.ended();

  const again = await openJournalLedger(pathsIn(path));
  const found = (await again.scan({ pk: 'P#test', limit: 10, strong: true })).items.map(({ sk }) => sk);
  await again.close();
  expect(found).toContain('before');
  expect(found).not.toContain('third');
});
