// What is known of the producers of a commit: by the head where it lists them, else by the items into which they were
// spilled.

import type { CommitEntry } from '../log/append.ts';
import type { Head } from '../log/head.ts';
import { spilledProducerKey } from '../log/keys.ts';
import { type FoundState, type ProducerStates, parseSpilled } from '../log/producers.ts';
import type { Broker } from './broker.ts';
import type { Lane } from './committer.ts';
import type { Deadline } from './deadline.ts';

/**
 * To be called when the head was seen, not before: what has left it by then is spilled. What leaves it afterwards does
 * no harm, for an append with a pin at the end of this head is refused then (docs/PROTOCOL.md, 2.4).
 * Cost: a strong read of each producer that the head does not list; without any it answers at once.
 */
export function statesAt(broker: Broker, lane: Lane, head: Head, entries: readonly CommitEntry[], deadline: Deadline): ProducerStates | Promise<ProducerStates> {
  const states = new Map<string, FoundState>();
  const away: string[] = [];
  for (const { producer } of entries) {
    if (producer === undefined || states.has(producer.name)) continue;
    const state = head.producers.get(producer.name);
    states.set(producer.name, { listed: state !== undefined, state });
    if (state === undefined) away.push(producer.name);
  }
  return away.length === 0 ? states : addSpilled(broker, lane, states, away, deadline);
}

async function addSpilled({ ledger }: Broker, { topicId, partition }: Lane, states: Map<string, FoundState>, away: readonly string[], deadline: Deadline): Promise<ProducerStates> {
  const keys = away.map((name) => spilledProducerKey(topicId, partition, name));
  const items = await deadline.race(ledger.read(keys, { strong: true }));
  for (const [i, name] of away.entries()) {
    const item = items[i];
    states.set(name, { listed: false, state: item === undefined ? undefined : parseSpilled(name, item) });
  }
  return states;
}
