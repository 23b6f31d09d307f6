// The audit of a data folder, as `wadi audit` runs it: opens the folder as a server would, reads everything, closes it.

import { WadiError } from '../record/errors.ts';
import { openEmbedded } from '../wiring/embedded.ts';
import { type AuditCounts, type AuditReport, CannotOpen } from '../wiring/home.ts';

type AuditOutcome = { readonly counts: AuditCounts; readonly findings: number };

/**
 * @param report called for each finding and as the counts grow
 * @throws AuditImpossible where the folder is in use, or cannot be opened or read
 */
export async function auditFolder(dataDir: string, report: AuditReport): Promise<AuditOutcome> {
  let findings = 0;
  try {
    const home = await openEmbedded(dataDir);
    try {
      const counts = await home.audit({
        finding(found) {
          findings++;
          return report.finding(found);
        },
        progress: (counts) => report.progress?.(counts),
      });
      return { counts, findings };
    } finally {
      await home.close();
    }
  } catch (error) {
    if (error instanceof CannotOpen || error instanceof WadiError) throw new AuditImpossible(error.message, { cause: error });
    throw error;
  }
}

export class AuditImpossible extends Error {
  override readonly name = 'AuditImpossible';
}
