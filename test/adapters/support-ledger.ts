// A journal ledger in a folder of its own, closed and removed with its test.

import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type JournalLedger, openJournalLedger } from '../../src/adapters/local/journal-ledger.ts';
import { temporaryFolder } from './support.ts';

export const pathsIn = (folder: string) => ({ databasePath: join(folder, 'ledger.db'), journalPath: join(folder, 'journal') });

export async function opened(path?: string): Promise<{ ledger: JournalLedger; path: string }> {
  const folder = path ?? (await temporaryFolder());
  const ledger = await openJournalLedger(pathsIn(folder));
  onTestFinished(() => ledger.close());
  return { ledger, path: folder };
}

export const strong = { strong: true };
