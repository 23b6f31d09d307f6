// Waiting for records. A waiting fetch is woken by the next append; it reads again and decides for itself.

import { partitionKey, type TopicId } from '../log/keys.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';

export const partitionChannel = partitionKey;

export const topicChannel = (topicId: TopicId): string => `${topicMark}${topicId}`;

const topicMark = 'T#';

/** undefined: the channel is that of a partition, and its name the partition key of the head. */
export const topicOfChannel = (channel: string): TopicId | undefined => (channel.startsWith(topicMark) ? channel.slice(topicMark.length) : undefined);

export type Waiting = { readonly waitMs: number /** The reader is gone. */; readonly signal?: AbortSignal | undefined };

/**
 * Calls `attempt` until it answers something, `waitMs` are over, or the reader is gone: then with `last` set, and
 * its answer is taken whatever it is. The subscription stands before the first attempt, so that no append is missed.
 * @throws WadiError server_busy where too many wait, and whatever `attempt` throws
 */
export async function untilSome<T>(broker: Broker, channel: string, { waitMs, signal }: Waiting, attempt: (last: boolean) => Promise<T | undefined>): Promise<T> {
  if (waitMs <= 0) return (await attempt(true)) as T;
  if (broker.waiters >= limits.maxWaiters) throw new WadiError('server_busy', 'Too many requests wait for records in this server. Come again after a moment, or without waitMs.');
  let woken = false;
  let over = signal?.aborted ?? false;
  let wake = (): void => {};
  const onNews = (): void => {
    woken = true;
    wake();
  };
  const onEnd = (): void => {
    over = true;
    wake();
  };
  broker.waiters += 1;
  const unsubscribe = broker.wakeups.subscribe(channel, onNews);
  const cancelTimer = broker.clock.after(waitMs, onEnd);
  signal?.addEventListener('abort', onEnd, { once: true });
  try {
    for (;;) {
      woken = false;
      // The end may come while an attempt is under way that was not told so.
      const last = over;
      const answer = await attempt(last);
      if (answer !== undefined || last) return answer as T;
      if (!woken) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (woken || over) resolve();
        });
      }
    }
  } finally {
    broker.waiters -= 1;
    unsubscribe();
    cancelTimer();
    signal?.removeEventListener('abort', onEnd);
  }
}
