// The server under test over all its lives: killed at random moments, started again at once on the same folder.
// Clients ask it where the server is and wait here while it is down.

import { type ServerProcess, spawnServer } from '../support/server-process.ts';

export type Target = {
  url(): string;
  /** Resolves once a server answers that was not there, or not known dead, when the caller lost its connection. */
  up(): Promise<void>;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Starts a server and kills it before it answers, or soon after. */
  startAndKill(afterMs: number): Promise<void>;
  stop(): Promise<string>;
  /** How long each start took until the server answered. */
  readonly startsMs: readonly number[];
};

export function createTarget(dataDir: string, entry: string | undefined, startTimeoutMs: number): Target {
  const startsMs: number[] = [];
  let server: ServerProcess | undefined;
  let url = '';
  let isUp = Promise.withResolvers<void>();
  const spawn = () => spawnServer({ dataDir, startTimeoutMs, ...(entry === undefined ? {} : { entry }) });
  const down = (): ServerProcess => {
    if (server === undefined) throw new Error('no server runs');
    const running = server;
    server = undefined;
    isUp = Promise.withResolvers();
    return running;
  };
  return {
    startsMs,
    url: () => url,
    up: () => isUp.promise,
    async start() {
      const began = performance.now();
      server = spawn();
      url = await server.ready;
      startsMs.push(performance.now() - began);
      isUp.resolve();
    },
    kill: () => down().kill(),
    async startAndKill(afterMs) {
      const early = spawn();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await early.kill();
    },
    stop: () => down().stop(),
  };
}
