// Wakeups within one process: used by tests, the simulator and the embedded home. A subscriber is called once
// for each notification, synchronously, in the order of subscription; how many there may be is the broker's matter.

import type { Wakeups } from '../../ports/world.ts';

export function memoryWakeups(): Wakeups {
  const channels = new Map<string, Set<() => void>>();
  return {
    notify(channel) {
      // A copy: a callback may end its own subscription or begin another.
      for (const callback of [...(channels.get(channel) ?? [])]) callback();
    },
    subscribe(channel, callback) {
      const entry = () => callback();
      const subscribers = channels.get(channel) ?? new Set();
      channels.set(channel, subscribers.add(entry));
      return () => {
        subscribers.delete(entry);
        if (subscribers.size === 0 && channels.get(channel) === subscribers) channels.delete(channel);
      };
    },
  };
}
