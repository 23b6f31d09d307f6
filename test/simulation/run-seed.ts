// One run: the world of a seed lives, is healed, and is judged.

import { auditLog } from '../../src/broker/audit.ts';
import { removeExpired } from '../../src/broker/expire.ts';
import { runDueWork } from '../../src/broker/run-work.ts';
import { checkHistory } from '../support/check-history.ts';
import { checkLinearizable } from '../support/linearizable.ts';
import type { Actor } from './actors/actor.ts';
import { expectedOffset, guessesAhead } from './actors/expected-offset.ts';
import { idempotent } from './actors/idempotent.ts';
import { keyed } from './actors/keyed.ts';
import { clocks, crashes, epochs, outages } from './actors/monkeys.ts';
import { bursts, impatient, plain, severalPartitions } from './actors/producers.ts';
import { anywhere, cursorSession, partitionSession } from './actors/readers.ts';
import { churn, create, grow, worker } from './actors/topic-admin.ts';
import { append, makeTexts } from './append.ts';
import { checkDeleted } from './checkers/deleted.ts';
import { checkLookUps } from './checkers/lookups.ts';
import { checkOnce } from './checkers/once.ts';
import { checkStored } from './checkers/stored.ts';
import { ask } from './client.ts';
import { fetchPartition } from './fetch.ts';
import type { Profile } from './profile.ts';
import type { Finding } from './recorder.ts';
import type { Counts } from './tally.ts';
import { fleeting, steady } from './topics.ts';
import { type Counter, createWorld, type World, type WorldOptions } from './world.ts';

export type Run = {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly hash: string;
  readonly steps: number;
  readonly virtualMs: number;
  readonly counts: World['recorder']['counts'];
  readonly faults: Counts;
  readonly cluster: { readonly crashes: number };
  readonly counters: Readonly<Partial<Record<Counter, number>>>;
  /** Faults of calls that were drawn, and requests while clients were active. */
  readonly strikes: number;
  readonly requests: number;
  readonly profile: Profile;
};

const actors: readonly (readonly [name: string, actor: Actor, count: number])[] = [
  ['plain', plain, 4],
  ['several', severalPartitions, 1],
  ['burst', bursts, 1],
  ['impatient', impatient, 1],
  ['expecting', expectedOffset, 2],
  ['guessing', guessesAhead, 1],
  ['idempotent', idempotent, 2],
  ['keyed', keyed, 2],
  ['session', partitionSession, 3],
  ['anywhere', anywhere, 1],
  ['cursor', cursorSession, 1],
  ['churn', churn, 1],
  ['grow', grow, 1],
  ['worker', worker, 1],
  ['crashes', crashes, 1],
  ['outages', outages, 1],
  ['clocks', clocks, 1],
  ['epochs', epochs, 1],
];

export const actorNames: readonly string[] = actors.flatMap(([name, , count]) => Array.from({ length: count }, (_, i) => nameOf(name, i, count)));

function nameOf(name: string, i: number, count: number): string {
  return count === 1 ? name : `${name}-${i}`;
}

/** From when on nothing fails any more: how long an append and a read may take, and all that was under way. */
const maxHealedMs = 30_000;
const maxSettleMs = 400_000;
/** Makers of topics that take longer than an hour are taken for dead. */
const untilAllWorkIsDueMs = 2 * 86_400_000;
const untilAllHasExpiredMs = 30 * 86_400_000;

export async function runSeed(seed: number, options: WorldOptions = {}): Promise<Run> {
  const world = createWorld(seed, options);
  const { recorder, timeline } = world;
  const stray = (error: unknown): void => recorder.finding('engine', `a rejection that nobody handled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.on('unhandledRejection', stray);
  try {
    await live(world, options.cuts?.actors ?? []);
    world.end();
    if (recorder.findings.every(({ rule }) => rule !== 'liveness')) await judge(world);
  } catch (error) {
    recorder.finding('simulator', error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    process.off('unhandledRejection', stray);
  }
  return {
    seed,
    findings: recorder.findings,
    hash: world.trace.hash(),
    steps: timeline.steps(),
    virtualMs: timeline.now(),
    counts: recorder.counts,
    faults: world.tally.counts,
    cluster: world.cluster.counts,
    counters: Object.fromEntries(world.counters),
    strikes: world.network.strikes(),
    requests: world.requests(),
    profile: world.profile,
  };
}

/** Runs events until the task is done; it must be within `limitMs`. */
async function carryOut<T>(world: World, what: string, limitMs: number, task: () => Promise<T>): Promise<T | undefined> {
  const { timeline, recorder } = world;
  let result: { value: T } | { error: unknown } | undefined;
  task().then(
    (value) => {
      result = { value };
    },
    (error: unknown) => {
      result = { error };
    },
  );
  const end = await timeline.run(() => result !== undefined, timeline.now() + limitMs);
  if (result === undefined) {
    recorder.finding('liveness', `${what} did not come to its end: ${end} after ${timeline.steps()} steps, ${timeline.now()} ms; under way: ${[...world.pending].slice(0, 5).join('; ')}`);
    return undefined;
  }
  if ('error' in result) throw result.error;
  return result.value;
}

async function live(world: World, withoutActors: readonly string[]): Promise<void> {
  const { random, profile } = world;
  const present = random.fork('present');
  await carryOut(world, 'the first topic', 600_000, async () => {
    const choice = random.fork('first topic');
    while ((await create(world, 'first', choice, steady, profile.partitions)) === undefined) await world.timeline.sleep(50);
  });
  world.begin();
  const running = () =>
    Promise.all(
      actors.flatMap(([name, actor, count]) =>
        Array.from({ length: count }, (_, i) => {
          const own = nameOf(name, i, count);
          const here = present.chance(profile.actorChance) || own === 'plain-0';
          return here && !withoutActors.includes(own) ? actor(world, own, random.fork(own)) : Promise.resolve();
        }),
      ),
    );
  await carryOut(world, 'the activity', 5 * profile.activeMs + maxSettleMs + 300_000, running);
}

async function judge(world: World): Promise<void> {
  const { network, cluster, timeline, recorder, stores } = world;
  const choice = world.random.fork('judge');
  network.heal();
  for (const node of cluster.nodes) {
    node.wall.errorMs = 0;
    cluster.crash(node);
  }
  await timeline.run(() => false, timeline.now() + 10_000);
  await carryOut(world, 'an append and a read, with everything healed', maxHealedMs, () => proveLife(world));
  await carryOut(world, 'all requests that producers and keys left open', maxHealedMs * 10, () => settleAll(world));
  await carryOut(world, 'reading everything', maxHealedMs, () => readEverything(world, 'before the zombies'));
  const end = await timeline.run(() => false, timeline.now() + 1_000_000);
  if (end !== 'idle') recorder.finding('liveness', `the world does not come to rest: ${end}`);
  if (world.pending.size > 0) recorder.finding('liveness', `never answered: ${[...world.pending].slice(0, 5).join('; ')}`);
  const logs = (await carryOut(world, 'reading everything again', maxHealedMs, () => readEverything(world, 'after the zombies'))) ?? new Map<string, string[]>();
  // A tail is moved on as long as there were appends, then brought to rest.
  for (let round = 0; round < 3; round++) {
    for (const node of cluster.nodes) node.wall.errorMs = untilAllWorkIsDueMs + 3 * round * (world.profile.idleTailMs ?? 0);
    await carryOut(world, 'the work that was left', maxHealedMs, async () => ask(world, await world.node(choice), 'last work', (broker) => runDueWork(broker)));
  }
  await timeline.run(() => false);

  await carryOut(world, 'the audit', maxHealedMs * 10, () => audit(world));

  const history = recorder.history();
  const final = new Map([...logs].map(([partition, log]) => [partition, { startOffset: 0, endOffset: log.length }]));
  for (const { invariant, detail } of checkHistory(history, { final })) recorder.finding(invariant, detail);
  // Of a topic that was deleted nobody could read everything in the end.
  for (const [partition, verdict] of checkLinearizable(history.filter(({ partition }) => logs.has(partition)))) {
    if (verdict.verdict === 'undecided') recorder.counts.undecided++;
    if (verdict.verdict !== 'not linearizable') continue;
    recorder.finding('linearizable', `${partition}: ${verdict.longest} of ${verdict.operations} operations can be put in an order, and then none of: ${verdict.stuck.join('; ')}`);
  }
  for (const node of cluster.nodes) node.wall.errorMs = untilAllHasExpiredMs;
  await carryOut(world, 'all that expires', maxHealedMs, async () => ask(world, await world.node(choice), 'last expiry', (broker) => removeExpired(broker)));
  const stored = await checkStored(stores);
  recorder.counts.strayRuns = stored.strayRuns;
  for (const { rule, detail } of [...checkDeleted(recorder, history), ...checkOnce(recorder, logs), ...checkLookUps(recorder, logs), ...stored.findings]) recorder.finding(rule, detail);
}

/** What `wadi audit` would say. */
async function audit(world: World): Promise<void> {
  const node = await world.node(world.random.fork('audit'));
  await ask(world, node, 'audit', (broker) => auditLog(broker, { finding: ({ place, problem }) => world.recorder.finding('audit', `${place}: ${problem}`) }));
}

/** Healed, whatever is sent again under its sequence or key must be answered. */
async function settleAll(world: World): Promise<void> {
  for (const { what, settle } of world.recorder.unsettled) if (!(await settle())) world.recorder.finding('liveness', `with everything healed ${what} could not be settled`);
}

/** Healed, the system must take an append through every broker, and give it back. */
async function proveLife(world: World): Promise<void> {
  for (const node of world.cluster.nodes) {
    const client = `last-${node.name}`;
    for (let partition = 0; partition < world.profile.partitions; partition++) {
      const texts = makeTexts(world, client, world.random.fork(client), 1);
      const { outcomes } = await append(world, node, client, { topic: steady, parts: [{ partition, texts }] });
      const [outcome] = outcomes;
      if (outcome?.result !== 'acknowledged') {
        world.recorder.finding('liveness', `${client}: with everything healed an append was answered ${JSON.stringify(outcome)}`);
        continue;
      }
      const start = { at: 'offset', offset: outcome.offsets[0] ?? 0 } as const;
      const answer = await fetchPartition(world, node, client, `${client}-${partition}`, { topic: steady, partition, start, maxRecords: 1, maxBytes: 1, waitMs: 0, asBatches: false });
      if ('failure' in answer) world.recorder.finding('liveness', `${client}: with everything healed a read was answered ${answer.failure.code}`);
    }
  }
}

/** All records of all topics, through every broker in turn; the texts of each partition. */
async function readEverything(world: World, when: string): Promise<Map<string, string[]>> {
  const logs = new Map<string, string[]>();
  let turn = 0;
  for (const topic of [steady, fleeting]) {
    for (let partition = 0; ; partition++) {
      const log: string[] = [];
      let place: string | undefined;
      for (;;) {
        const node = world.cluster.nodes[turn++ % world.cluster.nodes.length];
        if (node?.broker === undefined) throw new Error('a broker is down, though everything is healed');
        const start = { at: 'offset', offset: log.length } as const;
        const answer = await fetchPartition(world, node, 'auditor', when, { topic, partition, start, maxRecords: 100, maxBytes: 20_000, waitMs: 0, asBatches: turn % 2 === 0 });
        if ('failure' in answer) {
          if (answer.failure.code !== 'partition_not_found' && answer.failure.code !== 'topic_not_found')
            world.recorder.finding('liveness', `${when}, reading ${topic}/${partition} from ${log.length} was answered ${answer.failure.code}`);
          break;
        }
        place = `${answer.value.topicId}/${partition}`;
        log.push(...answer.value.records.map(({ text }) => text));
        if (answer.value.nextOffset >= answer.value.endOffset || answer.value.records.length === 0) break;
      }
      if (place === undefined) break;
      logs.set(place, log);
    }
  }
  return logs;
}
