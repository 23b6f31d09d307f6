// A home: a broker on the stores that it lives on, and what its server needs to know of it.

import type { AuditCounts, AuditReport } from '../broker/audit.ts';
import type { Broker } from '../broker/broker.ts';
import type { Metrics } from './metrics.ts';

export type { AuditCounts, AuditReport };

type Totals = { readonly appends: number; readonly commits: number /** Where there is a disk. */; readonly syncs?: number };

export type Home = {
  readonly broker: Broker;
  /** A request left work behind. */
  readonly onWorkLeft: () => void;
  /** Whether the ledger takes writes. */
  ready(): boolean;
  totals(): Totals;
  /** Reads everything; `auditLog` says what is checked. */
  audit(report: AuditReport): Promise<AuditCounts>;
  readonly metrics: Metrics;
  /** Refuses appends from now on, answers those that wait, then lets go of what it stood on. */
  close(): Promise<void>;
};

/** The home cannot be opened; the message says why and what to do. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
}

export const sentence = (message: string): string => `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;
