// What the actors have in common: each lives until the time of activity is over, and pauses between its deeds.

import type { SeededRandom } from '../../support/random.ts';
import type { World } from '../world.ts';

export type Actor = (world: World, name: string, random: SeededRandom) => Promise<void>;

/** Mostly a moment, now and then a long while, so that few deeds fill much time and some come in bursts. */
export function pause(world: World, random: SeededRandom, busyMs: number): Promise<void> {
  return world.timeline.sleep(random.chance(0.9) ? -Math.log(1 - random.next()) * busyMs : random.next() * world.profile.longPauseMs);
}

/** Deeds of one actor, at most so many: a seed stays small however long its activity lasts. */
export async function repeat(world: World, random: SeededRandom, { times, busyMs }: { readonly times: number; readonly busyMs: number }, deed: () => Promise<void>): Promise<void> {
  for (let i = 0; i < Math.min(times, world.maxDeeds) && world.active(); i++) {
    await pause(world, random, busyMs);
    await deed();
  }
}
