// One world: everything that a run of a seed consists of, put together.

import type { TelemetryCounter } from '../../src/ports/world.ts';
import { type SeededRandom, seededRandom } from '../support/random.ts';
import { type Cluster, createCluster, type Node } from './cluster.ts';
import { createNetwork, type Network } from './network.ts';
import { drawProfile, type Profile } from './profile.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { createStores, type Stores } from './stores.ts';
import { createTimeline, type Timeline } from './timeline.ts';
import { createTrace, type Trace } from './trace.ts';

export type Counter = TelemetryCounter | 'reuploads';

export type World = {
  readonly seed: number;
  readonly profile: Profile;
  readonly random: SeededRandom;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly stores: Stores;
  readonly network: Network;
  readonly cluster: Cluster;
  readonly recorder: Recorder;
  readonly counters: Map<Counter, number>;
  /** Requests under way. */
  readonly pending: Set<string>;
  /** Begins the time of activity. */
  begin(): void;
  /** Whether clients are still to begin new work. */
  active(): boolean;
  /** A broker that takes requests; waits until there is one. */
  node(random: SeededRandom): Promise<Node>;
  /** A number that no one else gets, to make texts and names unique. */
  unique(): number;
};

export type WorldOptions = { readonly print?: ((line: string) => void) | undefined };

export function createWorld(seed: number, { print }: WorldOptions = {}): World {
  const random = seededRandom(seed).fork('simulation');
  const profile = drawProfile(random.fork('profile'));
  const timeline = createTimeline();
  const trace = createTrace(print);
  const recorder = createRecorder();
  const stores = createStores(() => timeline.now());
  const counters = new Map<Counter, number>();
  const network = createNetwork({
    timeline,
    trace,
    random: random.fork('network'),
    hostility: profile.hostility,
    hopScale: profile.hopScale,
    onInvalid: (error) => recorder.finding('engine', `a store was asked for the impossible: ${String(error)}`),
  });
  let ids = 0;
  let names = 0;
  let activeUntilMs = 0;
  const cluster = createCluster({
    network,
    stores,
    timeline,
    trace,
    random: random.fork('cluster'),
    brokers: profile.brokers,
    policy: { inlineMaxBytes: profile.inlineMaxBytes, viewMaxAgeMs: 20 },
    nextId: () => ++ids,
    onCount: (counter, by) => counters.set(counter, (counters.get(counter) ?? 0) + by),
    onReport: (event, facts) => trace.line(`${timeline.now().toFixed(3)} report ${event} ${JSON.stringify(facts)}`),
    onViolation: (rule, detail) => recorder.finding(rule, detail),
  });
  trace.line(JSON.stringify({ seed, ...profile }));
  return {
    seed,
    profile,
    random,
    timeline,
    trace,
    stores,
    network,
    cluster,
    recorder,
    counters,
    pending: new Set(),
    begin() {
      activeUntilMs = timeline.now() + profile.activeMs;
    },
    active: () => timeline.now() < activeUntilMs,
    async node(choice) {
      for (;;) {
        const node = cluster.pick(choice);
        if (node !== undefined) return node;
        await timeline.sleep(20);
      }
    },
    unique: () => ++names,
  };
}
