// One world: everything that a run of a seed consists of, put together.

import type { TelemetryCounter } from '../../src/ports/world.ts';
import { type SeededRandom, seededRandom } from '../support/random.ts';
import { type Cluster, createCluster, type Node } from './cluster.ts';
import { createNetwork, type Network } from './network.ts';
import { drawProfile, type Profile } from './profile.ts';
import { fromRanges } from './ranges.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { createStores, type Stores } from './stores.ts';
import { createTally, type Tally } from './tally.ts';
import { createTimeline, type Timeline } from './timeline.ts';
import { createTrace, type Trace } from './trace.ts';

export type Counter = TelemetryCounter | 'reuploads';

export type World = {
  readonly seed: number;
  readonly profile: Profile;
  /** Of one actor. */
  readonly maxDeeds: number;
  readonly random: SeededRandom;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly tally: Tally;
  readonly stores: Stores;
  readonly network: Network;
  readonly cluster: Cluster;
  readonly recorder: Recorder;
  readonly counters: Map<Counter, number>;
  /** Requests under way. */
  readonly pending: Set<string>;
  /** Begins the time of activity. */
  begin(): void;
  /** All clients have ended: what is asked from now on is to judge. */
  end(): void;
  /** Whether clients are still to begin new work. */
  active(): boolean;
  /** A broker that takes requests; waits until there is one. */
  node(random: SeededRandom): Promise<Node>;
  /** To be asked before each request: whether it is left out. */
  leavesOut(): boolean;
  /** Requests so far, those left out included. */
  requests(): number;
  /** A number that no one else gets, to make texts and names unique. */
  unique(): number;
};

/** What a run leaves out of what its seed gives it: see shrink.ts. */
export type Cuts = {
  /** Actors that do not live. */
  readonly actors?: readonly string[];
  /** Faults of calls, by their numbers in the run (ranges.ts). */
  readonly faults?: string;
  /** Requests of active clients, by their numbers in the run: they are not sent. */
  readonly requests?: string;
  /** Instead of what the seed draws. */
  readonly profile?: Partial<Profile>;
  /** Deeds of an actor at most. */
  readonly deeds?: number;
};

export type WorldOptions = { readonly print?: ((line: string) => void) | undefined; readonly cuts?: Cuts };

export function createWorld(seed: number, { print, cuts = {} }: WorldOptions = {}): World {
  const random = seededRandom(seed).fork('simulation');
  const profile = { ...drawProfile(random.fork('profile')), ...cuts.profile };
  const tally = createTally();
  const timeline = createTimeline();
  const trace = createTrace(print);
  const recorder = createRecorder();
  const stores = createStores({
    timeline,
    random: random.fork('stores'),
    maxHoldMs: profile.maxHoldMs,
    tellsImages: profile.tellsImages,
    onLockMet: () => {
      tally.injected('lock met');
      tally.changed('lock met');
    },
  });
  const counters = new Map<Counter, number>();
  const network = createNetwork({
    timeline,
    trace,
    random: random.fork('network'),
    tally,
    rates: profile.rates,
    hopScale: profile.hopScale,
    without: fromRanges(cuts.faults),
    crash: (process) => cluster.crashProcess(process),
    onInvalid: (error) => recorder.finding('engine', `a store was asked for the impossible: ${String(error)}`),
  });
  let ids = 0;
  let names = 0;
  let requests = 0;
  let judged = false;
  const withoutRequests = fromRanges(cuts.requests);
  let activeUntilMs = 0;
  const cluster = createCluster({
    network,
    stores,
    timeline,
    trace,
    random: random.fork('cluster'),
    brokers: profile.brokers,
    policy: {
      inlineMaxBytes: profile.inlineMaxBytes,
      inlineTogether: profile.inlineTogether,
      producersStayCommits: profile.producersStayCommits,
      viewMaxAgeMs: profile.viewMaxAgeMs,
      ...(profile.idleTailMs === undefined ? {} : { idleTailMs: profile.idleTailMs }),
      ...(profile.startMaxAgeMs === undefined ? {} : { startMaxAgeMs: profile.startMaxAgeMs }),
    },
    itemWriteUnitsPerSecond: profile.itemWriteUnitsPerSecond,
    onStaleRead(told) {
      tally.injected('stale read');
      if (told) tally.changed('stale read');
    },
    nextId: () => ++ids,
    onCount(counter, by) {
      counters.set(counter, (counters.get(counter) ?? 0) + by);
      if (counter === 'reuploads') tally.injected('commit of a closed epoch');
    },
    onReport: (event, facts) => trace.line(`${timeline.now().toFixed(3)} report ${event} ${JSON.stringify(facts)}`),
    onViolation: (rule, detail) => recorder.finding(rule, detail),
  });
  trace.line(JSON.stringify({ seed, ...profile }));
  return {
    seed,
    profile,
    maxDeeds: cuts.deeds ?? Number.POSITIVE_INFINITY,
    random,
    timeline,
    trace,
    tally,
    stores,
    network,
    cluster,
    recorder,
    counters,
    pending: new Set(),
    begin() {
      activeUntilMs = timeline.now() + profile.activeMs;
    },
    end() {
      judged = true;
    },
    active: () => timeline.now() < activeUntilMs,
    async node(choice) {
      for (;;) {
        const node = cluster.pick(choice);
        if (node !== undefined) return node;
        await timeline.sleep(20);
      }
    },
    leavesOut: () => activeUntilMs > 0 && !judged && withoutRequests.has(++requests),
    requests: () => requests,
    unique: () => ++names,
  };
}
