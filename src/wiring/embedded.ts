// The embedded home: one machine, one process, a journal, SQLite and objects below one folder.

import { nodeCodecs } from '../adapters/codecs/node.ts';
import { FolderInUse, openDataFolder } from '../adapters/local/data-folder.ts';
import { openFileObjectStore } from '../adapters/local/file-object-store.ts';
import { openJournalLedger } from '../adapters/local/journal-ledger.ts';
import { systemClock } from '../adapters/local/system-clock.ts';
import { systemRandom } from '../adapters/local/system-random.ts';
import { memoryWakeups } from '../adapters/memory/wakeups.ts';
import { auditLog } from '../broker/audit.ts';
import { createBroker, type Policy } from '../broker/broker.ts';
import { StoreFailure } from '../ports/failure.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { startDueWork } from './due-work.ts';
import { CannotOpen, type Home, sentence } from './home.ts';
import { type Log, silent } from './log.ts';
import { createMetrics } from './metrics.ts';
import { processTelemetry } from './telemetry.ts';

const policy: Policy = {
  // Payload and head in one group of the journal with one sync; an object would cost a second one and two of folders.
  inlineMaxBytes: limits.maxCommitBytes,
  inlineTogether: true,
  producersStayCommits: 64,
  // Nobody else writes.
  viewMaxAgeMs: Number.POSITIVE_INFINITY,
};

/** @throws CannotOpen where the folder is in use, of a newer version, damaged, full or out of reach */
export async function openEmbedded(dataDir: string, log: Log = silent): Promise<Home> {
  const undo: (() => unknown)[] = [];
  try {
    const folder = await openDataFolder(dataDir);
    undo.unshift(folder.release);
    const ledger = await openJournalLedger(folder);
    undo.unshift(ledger.close);
    const objects = await openFileObjectStore({ root: folder.objectsPath, aside: folder.asidePath });
    const telemetry = processTelemetry(log);
    const broker = await createBroker({ ledger, objects, clock: systemClock, random: systemRandom(), wakeups: memoryWakeups(), telemetry, codecs: nodeCodecs }, policy);
    const work = startDueWork(broker);
    const metrics = createMetrics({ broker, telemetry, ledger });
    return {
      broker,
      onWorkLeft: work.soon,
      ready: ledger.writable,
      metrics,
      audit: (report) => auditLog(broker, report),
      totals: () => ({ appends: telemetry.total('appends'), commits: telemetry.total('commits'), syncs: ledger.stats().groups }),
      async close() {
        metrics.close();
        await Promise.all([broker.committer.close(), work.stop()]);
        await ledger.close();
        folder.release();
      },
    };
  } catch (error) {
    for (const step of undo) await step();
    throw error instanceof FolderInUse || error instanceof StoreFailure || error instanceof WadiError ? new CannotOpen(sentence(error.message), { cause: error }) : error;
  }
}
