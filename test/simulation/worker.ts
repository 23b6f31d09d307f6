// Runs seeds on a thread of its own, for main.ts.

import { parentPort } from 'node:worker_threads';
import { type Run, runSeed } from './run-seed.ts';

export type Order = { readonly seed: number; readonly twice: boolean };
export type Report = { readonly run: Run /** Of the second time. */; readonly again?: Pick<Run, 'hash' | 'steps'> };

parentPort?.on('message', async ({ seed, twice }: Order) => {
  const run = await runSeed(seed);
  parentPort?.postMessage((twice ? { run, again: await runSeed(seed) } : { run }) satisfies Report);
});
