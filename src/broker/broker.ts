// A broker: the engine's state in one process. It holds nothing that another process, or this one after a
// crash, could not read again: caches, queues of appends that wait for their commit, and the ports.

import { planFirstEpoch } from '../log/topic-writes.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Clock, Random, Telemetry, Wakeups } from '../ports/world.ts';
import type { Codecs } from '../record/codecs.ts';
import { type Background, createBackground } from './background.ts';
import { type Committer, createCommitter } from './committer.ts';
import { readEpochs } from './epochs.ts';
import { createPayloadCache, type PayloadCache } from './payloads.ts';
import { createRunCache, type RunCache } from './runs.ts';
import { createStartCache, type StartCache } from './starts.ts';
import { createTopicCache, type TopicCache } from './topic-cache.ts';

export type Ports = {
  readonly ledger: Ledger;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly wakeups: Wakeups;
  readonly telemetry: Telemetry;
  readonly codecs: Codecs;
};

/** What differs between homes. */
export type Policy = {
  /** Payloads up to this size go into the ledger; larger ones become objects. */
  readonly inlineMaxBytes: number;
  /** A payload in the ledger goes together with its commit, in one `writeAll`; else before it, by a write of its own. */
  readonly inlineTogether: boolean;
  /** For about how many commits of others a producer stays in a head: longer, and heads are larger; shorter, and who comes back is read and written. */
  readonly producersStayCommits: number;
  /** A head seen longer ago than this is read again before an append. A hint: an old view costs a refused write. */
  readonly viewMaxAgeMs: number;
  /** For so long a fetch takes the start of a log as it was read last, which saves a read of each page. Not given: never. */
  readonly startMaxAgeMs?: number;
  /** How long an append that begins now may take, where that is less than `limits.appendTimeoutMs`: what carries it may end. */
  readonly appendMsLeft?: () => number;
  /** A partition to which nothing was appended for so long is brought to rest: its window is sealed, so that writers who looked at it before are refused. Not given: never. */
  readonly idleTailMs?: number;
  /** Nothing is ever written: for whoever only fetches. */
  readonly readsOnly?: boolean;
};

export type Broker = Ports & {
  readonly policy: Policy;
  readonly topics: TopicCache;
  readonly payloads: PayloadCache;
  readonly runs: RunCache;
  readonly starts: StartCache;
  readonly committer: Committer;
  /** The upload epoch that new payloads carry. Any age is safe: a closed one is refused. */
  epoch: number;
  /** Fetches that wait for records. */
  waiters: number;
  readonly background: Background;
};

/** Cost: one write, one read; none where nothing is to be written. */
export async function createBroker(ports: Ports, policy: Policy): Promise<Broker> {
  const broker: Broker = {
    ...ports,
    policy,
    topics: createTopicCache(ports),
    payloads: createPayloadCache(),
    runs: createRunCache(),
    starts: createStartCache(ports.clock, policy.startMaxAgeMs),
    committer: createCommitter(() => broker),
    epoch: 0,
    waiters: 0,
    background: createBackground(),
  };
  if (policy.readsOnly) return broker;
  await ports.ledger.write(planFirstEpoch);
  await readEpochs(broker);
  return broker;
}
