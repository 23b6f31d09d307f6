// The server under test over all its lives: killed at random moments, started again at once on the same folder.
// Clients ask it where the server is and wait here while it is down.

import { type ServerProcess, spawnServer } from '../support/server-process.ts';
import type { ForgetfulDisk } from './power-cut.ts';

export type Target = {
  url(): string;
  /** Of the server that runs. */
  pid(): number;
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

/** @param disk with it, what was not synced is lost whenever the server ends */
export function createTarget(dataDir: string, entry: string | undefined, startTimeoutMs: number, disk?: ForgetfulDisk): Target {
  const startsMs: number[] = [];
  let server: ServerProcess | undefined;
  let url = '';
  let isUp = Promise.withResolvers<void>();
  const spawn = () => spawnServer({ dataDir, startTimeoutMs, ...(entry === undefined ? {} : { entry }), ...(disk === undefined ? {} : { env: disk.env }) });
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
    pid: () => server?.pid ?? -1,
    up: () => isUp.promise,
    async start() {
      const began = performance.now();
      server = spawn();
      url = await server.ready;
      startsMs.push(performance.now() - began);
      isUp.resolve();
    },
    async kill() {
      await down().kill();
      disk?.cut();
    },
    async startAndKill(afterMs) {
      const early = spawn();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await early.kill();
      disk?.cut();
    },
    async stop() {
      const output = await down().stop();
      disk?.cut();
      return output;
    },
  };
}
