// A real server in a process of its own, for tests, benchmarks and examples: start it, wait until it answers,
// stop it (SIGTERM) or kill it (SIGKILL). No server outlives the process that started it, whether that one
// returns, throws or is interrupted.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type ServerOptions = {
  /** Not given: `args` name another home. */
  readonly dataDir?: string;
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  /** Another program that takes `--data --host --port` and prints its URL, perhaps with its first words. */
  readonly entry?: string | readonly string[];
  /** Arguments for the server, and for the node that runs it. */
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** Besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take until it answers. */
  readonly startTimeoutMs?: number;
};

export type ServerProcess = {
  readonly pid: number;
  /** `http://127.0.0.1:PORT` once it listens; rejects with its output if it ends first or takes too long. */
  readonly ready: Promise<string>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The last 64 KB of what it printed. */
  output(): string;
  /** SIGTERM, then waits; answers its output. Throws, and kills it, if it ends with an error or not in time. */
  stop(timeoutMs?: number): Promise<string>;
  /** SIGKILL, then waits until it is gone. */
  kill(): Promise<void>;
};

const root = fileURLToPath(new URL('../../', import.meta.url));
/** What `npm start` runs, options of node included. */
const start = startCommandIn(root);
export const startFlags: readonly string[] = start.flags;
const defaultEntry = join(root, start.entry);

/** Of the checkout in `folder`: what its `npm start` runs. */
export function startCommandIn(folder: string): { readonly flags: string[]; readonly entry: string } {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const words = scripts.start.split(' ').slice(1);
  return { flags: words.slice(0, -1), entry: words.at(-1) as string };
}

const maxOutput = 64 * 1024;

/** Starts a server and returns at once; `ready` tells when it answers. */
export function spawnServer(options: ServerOptions): ServerProcess {
  const { dataDir, port = 0, entry = defaultEntry, args = [], nodeArgs = [], env = {}, startTimeoutMs = 15_000 } = options;
  const started = performance.now();
  const [program = defaultEntry, ...words] = typeof entry === 'string' ? [entry] : entry;
  const home = dataDir === undefined ? [] : ['--data', dataDir];
  const child = spawn(process.execPath, [...(program === defaultEntry ? startFlags : []), ...nodeArgs, program, ...words, ...home, '--host', '127.0.0.1', '--port', String(port), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  track(child);
  let output = '';
  const exited = new Promise<Awaited<ServerProcess['exited']>>((resolve) => {
    child.once('error', (error) => {
      output += `${error.message}\n`;
      resolve({ code: null, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });

  const ready = new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the server (${entry}) ${why} after ${Math.round(performance.now() - started)} ms; it printed:\n${output.trim() || '(nothing)'}`));
    const timer = setTimeout(() => fail('does not answer'), startTimeoutMs);
    const read = (chunk: string) => {
      output = (output + chunk).slice(-maxOutput);
      const url = /http:\/\/127\.0\.0\.1:\d+(?=\D)/.exec(output)?.[0];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    };
    child.stdout.setEncoding('utf8').on('data', read);
    child.stderr.setEncoding('utf8').on('data', read);
    void exited.then(({ code, signal }) => {
      clearTimeout(timer);
      fail(`ended with ${signal ?? `code ${code}`}`);
    });
  });
  // A caller that kills it before it is ready need not look at `ready`.
  ready.catch(() => {});

  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  const stop = async (timeoutMs = 15_000) => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const { code, signal } = await exited;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`the server (${entry}) ended with ${signal ?? `code ${code}`} after SIGTERM; it printed:\n${output.trim()}`);
    return output;
  };
  return { pid: child.pid ?? -1, ready, exited, output: () => output, stop, kill };
}

/** Starts a server and waits until it answers. */
export async function startServer(options: ServerOptions): Promise<ServerProcess & { readonly url: string }> {
  const server = spawnServer(options);
  try {
    return { ...server, url: await server.ready };
  } catch (error) {
    await server.kill();
    throw error;
  }
}

/** What the server says of its work when it stops; undefined where it says nothing. */
export function readTotals(output: string): { readonly appends: number; readonly commits: number; readonly syncs: number } | undefined {
  const match = /stopped: (\d+) appends, (\d+) commits, (\d+) syncs/.exec(output);
  return match === null ? undefined : { appends: Number(match[1]), commits: Number(match[2]), syncs: Number(match[3]) };
}

/** A new folder below the system's temporary one, removed when this process ends unless `keep` is set. */
export function temporaryFolder(name: string, keep = false): string {
  const folder = mkdtempSync(join(tmpdir(), `wadi-${name}-`));
  if (!keep) folders.add(folder);
  endWithThisProcess();
  return folder;
}

/** Before the process ends: for those who fill many. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Children of this process that must not outlive it: servers here, and what callers add. */
export function track(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
  endWithThisProcess();
}

const children = new Set<ChildProcess>();
const folders = new Set<string>();
let installed = false;

function endWithThisProcess(): void {
  if (installed) return;
  installed = true;
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL');
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => process.exit(code));
}
