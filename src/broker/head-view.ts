// What this process last saw of a partition's head. Views only go forward: every write of a head raises its
// commit count or its rotation number.

import { type Head, parseHead } from '../log/head.ts';
import { headKey } from '../log/keys.ts';
import type { Item } from '../log/write.ts';
import { sleep } from '../ports/world.ts';
import { lookEveryMs } from './admission.ts';
import type { Broker } from './broker.ts';
import type { Lane } from './committer.ts';

export type HeadView = { readonly head: Head; readonly atMs: number };

/** Remembers the image unless a newer one is known; answers it. */
export function remember(broker: Broker, lane: Lane, item: Item): Head {
  const head = parseHead(item);
  if (lane.view === undefined || age(head) >= age(lane.view.head)) lane.view = { head, atMs: broker.clock.monotonicMs() };
  return head;
}

const age = (head: Head): number => head.commits + head.rotation;

/** The head as last seen, if that is recent enough. */
export function freshView(broker: Broker, lane: Lane): Head | undefined {
  const { view } = lane;
  return view !== undefined && broker.clock.monotonicMs() - view.atMs <= broker.policy.viewMaxAgeMs ? view.head : undefined;
}

/** A look at a head while something else is under way. */
export type Look = {
  /** Whether there was a head; undefined while the read is under way. */
  seen: boolean | undefined;
  /** Never rejects. */
  readonly first: Promise<boolean>;
};

/**
 * Reads the head while something else is under way, unless it was seen just now. A head that moves fast is read again
 * and again, or its window would have passed when the commit comes.
 */
export function lookAhead(broker: Broker, lane: Lane, over: () => boolean): Look {
  if (freshView(broker, lane) !== undefined) {
    void keepLooking(broker, lane, over);
    return { seen: true, first: Promise.resolve(true) };
  }
  const look: Look = { seen: undefined, first: lookAgain(broker, lane) };
  void look.first.then((seen) => {
    look.seen = seen;
    return keepLooking(broker, lane, over);
  });
  return look;
}

async function keepLooking(broker: Broker, lane: Lane, over: () => boolean): Promise<void> {
  while (lane.pace?.hasty() === true && !over()) {
    await sleep(broker.clock, lookEveryMs);
    if (!over() && freshView(broker, lane) === undefined) await lookAgain(broker, lane);
  }
}

/**
 * A weak read of the head: what it tells was true once, which is all that a pin needs (PROTOCOL 2.1). Never rejects;
 * answers whether there was one.
 */
export async function lookAgain(broker: Broker, lane: Lane): Promise<boolean> {
  try {
    const [item] = await broker.ledger.read([headKey(lane.topicId, lane.partition)], { strong: false });
    if (item === undefined) return false;
    remember(broker, lane, item);
    return true;
  } catch {
    return false;
  }
}

/** A strong read of the head; undefined: there is none. */
export async function readHead(broker: Broker, lane: Lane): Promise<Head | undefined> {
  const [item] = await broker.ledger.read([headKey(lane.topicId, lane.partition)], { strong: true });
  return item === undefined ? undefined : remember(broker, lane, item);
}
