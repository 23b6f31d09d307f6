// Wakeups among processes that share a ledger and nothing else: a process looks at the heads that its readers wait for,
// often at first, then less and less often. Its own appends wake its readers at once. Cost: a weak read of the head for
// each look, however many wait for it; for a whole topic a weak read of each head, and of the topic.

import { headKey, headKeyOf } from '../log/keys.ts';
import type { Key } from '../log/write.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Clock, Random, Wakeups } from '../ports/world.ts';
import { readTopic } from './topic-cache.ts';
import { topicOfChannel } from './wait.ts';

/** Until the first look, and what the next one waits longer than the one before it, up to the last. */
const [firstMs, growth, longestMs] = [100, 1.5, 1_000];
/** What was seen last of so many channels is kept, so that a reader that comes again is not woken for what it knows. */
const maxKnown = 4096;

type Channel = {
  /** How each of them is ended. */
  readonly subscribers: Set<() => void>;
  waitMs: number;
  /** Ends the wait for the next look. */
  cancel: () => void;
};

/** @param local wakes those in this process */
export function pollingWakeups({ ledger, clock, random }: { readonly ledger: Ledger; readonly clock: Clock; readonly random: Random }, local: Wakeups): Wakeups {
  const channels = new Map<string, Channel>();
  /** How far a channel had grown when it was looked at last: a reader that comes later has seen at least that. */
  const known = new Map<string, number>();

  function schedule(name: string, channel: Channel): void {
    channel.cancel = clock.after(channel.waitMs * (0.75 + 0.5 * random.fraction()), () => void look(name, channel));
    channel.waitMs = Math.min(longestMs, channel.waitMs * growth);
  }

  /** A look that fails tells nothing; the next one comes later. */
  async function look(name: string, channel: Channel): Promise<void> {
    const size = await sizeOf(ledger, name).catch(() => undefined);
    if (channels.get(name) !== channel) return;
    if (size !== undefined && size !== known.get(name)) {
      if (known.size >= maxKnown) known.clear();
      known.set(name, size);
      channel.waitMs = firstMs;
      local.notify(name);
      if (channels.get(name) !== channel) return;
    }
    schedule(name, channel);
  }

  return {
    notify: local.notify,
    subscribe(name, callback) {
      const unsubscribe = local.subscribe(name, callback);
      let channel = channels.get(name);
      if (channel === undefined) {
        channel = { subscribers: new Set(), waitMs: firstMs, cancel: () => {} };
        channels.set(name, channel);
        schedule(name, channel);
      }
      const joined = channel;
      joined.subscribers.add(unsubscribe);
      return () => {
        unsubscribe();
        joined.subscribers.delete(unsubscribe);
        if (joined.subscribers.size > 0 || channels.get(name) !== joined) return;
        channels.delete(name);
        joined.cancel();
      };
    },
  };
}

/** Something that changes whenever the channel has grown, or its topic is gone. */
async function sizeOf(ledger: Ledger, channel: string): Promise<number> {
  const topicId = topicOfChannel(channel);
  if (topicId === undefined) return endOf(ledger, [headKeyOf(channel)]);
  const topic = await readTopic(ledger, topicId);
  if (topic?.state !== 'live') return -1;
  return endOf(
    ledger,
    Array.from({ length: topic.partitions }, (_, partition) => headKey(topicId, partition)),
  );
}

async function endOf(ledger: Ledger, heads: readonly Key[]): Promise<number> {
  const items = await ledger.read(heads, { strong: false });
  return items.reduce((sum, item) => sum + (typeof item?.['nx'] === 'number' ? item['nx'] : -1), 0);
}
