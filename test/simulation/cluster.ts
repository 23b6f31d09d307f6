// The brokers of a run. Each is the real engine on simulated ports; it dies with its process at any event and
// comes back as another process on the same stores, or is stopped in order.

import { type Broker, createBroker, type Policy } from '../../src/broker/broker.ts';
import type { SeededRandom } from '../support/random.ts';
import type { Process } from './network.ts';
import { createPorts, type PortsOptions, type WrongClock } from './ports.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

export type Node = {
  readonly name: string;
  readonly wall: WrongClock;
  process: Process;
  /** While it runs and takes requests. */
  broker: Broker | undefined;
  /** Those who wait for answers of this process. */
  readonly onDeath: Set<() => void>;
  /** Appends that the committer has taken and not answered. */
  appending: number;
};

export type Cluster = {
  readonly nodes: readonly Node[];
  /** One that takes requests; undefined: none does just now. */
  pick(random: SeededRandom): Node | undefined;
  /** Ends the process at this event, and starts another after a while. */
  crash(node: Node): void;
  /** As `crash`, of the broker whose process it is; answers false where it is none. */
  crashProcess(process: Process): boolean;
  /** Stops taking appends, ends when all taken are answered, and starts again. */
  stop(node: Node): Promise<void>;
  readonly counts: { crashes: number };
};

export type ClusterOptions = Pick<PortsOptions, 'network' | 'stores' | 'timeline' | 'nextId' | 'onCount' | 'onReport' | 'itemWriteUnitsPerSecond' | 'onStaleRead'> & {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly random: SeededRandom;
  readonly brokers: number;
  readonly policy: Policy;
  readonly onViolation: (rule: string, detail: string) => void;
};

/** Two waves of the engine's own limit for an append, and a little. */
const maxCloseMs = 100_000;

export function createCluster(options: ClusterOptions): Cluster {
  const { timeline, trace, random, policy, onViolation } = options;
  const pauses = random.fork('pauses');
  const counts = { crashes: 0 };
  let generation = 0;

  const nodes = Array.from({ length: options.brokers }, (_, i): Node => {
    const name = `n${i}`;
    return { name, wall: { errorMs: 0 }, process: { name, alive: false }, broker: undefined, onDeath: new Set(), appending: 0 };
  });

  async function start(node: Node): Promise<void> {
    const process: Process = { name: `${node.name}.${++generation}`, alive: true };
    node.process = process;
    const ports = createPorts({ ...options, process, wall: node.wall, random: random.fork(process.name) });
    while (process.alive) {
      try {
        const broker = await createBroker(ports, policy);
        watchCommitter(node, broker, onViolation);
        trace.line(`${timeline.now().toFixed(3)} ${process.name} is up`);
        node.broker = broker;
        return;
      } catch {
        await timeline.sleep(100);
      }
    }
  }

  function end(node: Node, why: string): void {
    trace.line(`${timeline.now().toFixed(3)} ${node.process.name} ${why}`);
    node.process.alive = false;
    node.broker = undefined;
    node.appending = 0;
    for (const tell of [...node.onDeath]) tell();
    node.onDeath.clear();
  }

  function crash(node: Node): void {
    if (!node.process.alive) return;
    counts.crashes++;
    end(node, 'dies');
    timeline.after(pauses.chance(0.7) ? pauses.between(0, 50) : pauses.between(50, 3_000), () => void start(node));
  }

  async function stop(node: Node): Promise<void> {
    const { broker, process } = node;
    if (broker === undefined) return;
    trace.line(`${timeline.now().toFixed(3)} ${process.name} stops`);
    const late = timeline.after(maxCloseMs, () => {
      if (process.alive) onViolation('liveness', `${process.name}: committer.close() did not end within ${maxCloseMs} ms`);
    });
    let closed = false;
    void broker.committer.close().then(() => {
      closed = true;
    });
    while (!closed && process.alive) await timeline.sleep(5);
    late();
    if (!process.alive) return;
    if (node.appending > 0) onViolation('graceful stop', `${process.name}: committer.close() ended while ${node.appending} appends had no answer`);
    end(node, 'has stopped');
    // Not awaited: it may die before it is up.
    void start(node);
  }

  for (const node of nodes) timeline.after(0, () => void start(node));
  return {
    nodes,
    pick(choice) {
      const up = nodes.filter(({ broker }) => broker !== undefined);
      return up.length === 0 ? undefined : choice.pick(up);
    },
    crash,
    crashProcess(process) {
      const node = nodes.find((one) => one.process === process);
      if (node === undefined) return false;
      crash(node);
      return true;
    },
    stop,
    counts,
  };
}

/** Counts the appends that the committer has taken, and holds it to their order: they stand as they came (I6). */
function watchCommitter(node: Node, broker: Broker, onViolation: ClusterOptions['onViolation']): void {
  const { committer } = broker;
  const acknowledged = new Map<string, { readonly came: number; readonly baseOffset: number }[]>();
  let comings = 0;

  function checkOrder(lane: string, came: number, baseOffset: number): void {
    const others = acknowledged.get(lane) ?? [];
    const wrong = others.find((other) => other.came < came !== other.baseOffset < baseOffset);
    if (wrong !== undefined) onViolation('I6', `${node.process.name}, ${lane}: append ${came} of this process stands at ${baseOffset}, append ${wrong.came} at ${wrong.baseOffset}`);
    acknowledged.set(lane, [...others, { came, baseOffset }]);
  }

  Object.assign(broker, {
    committer: {
      close: () => committer.close(),
      async append(topicId, partition, part) {
        const { process } = node;
        const came = ++comings;
        node.appending++;
        const result = await committer.append(topicId, partition, part);
        if (node.process !== process) return result;
        node.appending--;
        if ('baseOffset' in result && result.repeat === undefined) checkOrder(`${topicId}/${partition}`, came, result.baseOffset);
        return result;
      },
      queuedBytes: committer.queuedBytes,
      laneOf: committer.laneOf,
    } satisfies typeof committer,
  });
}
