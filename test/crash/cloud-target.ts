// Several servers on one table and one bucket, over all their lives: some or all of them are killed at a moment, while
// the others go on. The stores are never killed.

import type { Cloud } from '../support/cloud.ts';
import type { SeededRandom } from '../support/random.ts';
import { type ServerProcess, spawnServer } from '../support/server-process.ts';
import type { Target } from './target.ts';

const servers = 4;
/** How often a kill hits so many at once. */
const together = [0.6, 0.15, 0.1, 0.15];

/** @param random decides who is killed */
export function createCloudTarget({ server: options }: Cloud, random: SeededRandom, startTimeoutMs: number): Target {
  const startsMs: number[] = [];
  const running: { readonly process: ServerProcess; readonly url: string }[] = [];
  let isUp = Promise.withResolvers<void>();
  let next = 0;
  let lastUrl = '';
  const spawn = () => spawnServer({ ...options, startTimeoutMs });

  async function startOne(): Promise<void> {
    const began = performance.now();
    const process = spawn();
    const url = await process.ready;
    startsMs.push(performance.now() - began);
    running.push({ process, url });
    isUp.resolve();
  }

  /** They are not asked for anything from now on. */
  function take(count: number): ServerProcess[] {
    const taken: ServerProcess[] = [];
    while (taken.length < count && running.length > 0) taken.push(...running.splice(random.between(0, running.length - 1), 1).map(({ process }) => process));
    if (running.length === 0) isUp = Promise.withResolvers();
    return taken;
  }

  function howMany(): number {
    let draw = random.next();
    for (const [i, share] of together.entries()) {
      draw -= share;
      if (draw < 0) return i + 1;
    }
    return 1;
  }

  return {
    startsMs,
    /** Each time that of the next one: clients go from server to server. */
    url() {
      lastUrl = running[next++ % running.length]?.url ?? lastUrl;
      return lastUrl;
    },
    pid: () => running[0]?.process.pid ?? -1,
    up: () => isUp.promise,
    async start() {
      await Promise.all(Array.from({ length: servers - running.length }, startOne));
    },
    async kill() {
      await Promise.all(take(howMany()).map((process) => process.kill()));
    },
    async startAndKill(afterMs) {
      const early = spawn();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await early.kill();
    },
    async stop() {
      return (await Promise.all(take(servers).map((process) => process.stop()))).join('');
    },
  };
}
