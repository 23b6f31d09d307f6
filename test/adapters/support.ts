// Temporary folders, and children of which a test reads lines and which it can kill.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Item, Key, Write } from '../../src/log/write.ts';

/** A folder that is gone when the test is. */
export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'wadi-adapters-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export type Child = {
  readonly process: ChildProcess;
  /** The next line; undefined when there will be none. */
  line(): Promise<string | undefined>;
  send(line: string): void;
  /** Waits for the end. */
  ended(): Promise<void>;
};

/** Runs a program of test/adapters/children; `before` is a command to run it under. Killed with the test. */
export function child(name: string, args: readonly string[], before: readonly string[] = []): Child {
  const program = fileURLToPath(new URL(`./children/${name}`, import.meta.url));
  const [command, ...rest] = [...before, process.execPath, program, ...args] as [string, ...string[]];
  const process_ = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(process_, 'exit');
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]();
  process_.stdin.on('error', () => undefined); // it may be dead already
  onTestFinished(() => void process_.kill('SIGKILL'));
  return {
    process: process_,
    line: async () => (await lines.next()).value as string | undefined,
    send: (line) => process_.stdin.write(`${line}\n`),
    ended: async () => void (await exit),
  };
}

export function put(key: Key, item: Item): Write {
  return { key, guards: [], action: 'put', item };
}

export const key = (sk: string, pk = 'P#test'): Key => ({ pk, sk });
