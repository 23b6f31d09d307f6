// A power cut, as far as a process can suffer one: the server runs under a small library (unsynced.c) that keeps a
// shadow of the data folder with only what was synced; after each kill the folder is replaced by the shadow.

import { spawnSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from '../support/apt.ts';
import { temporaryFolder } from '../support/server-process.ts';

export type ForgetfulDisk = {
  /** For the server. */
  readonly env: Readonly<Record<string, string>>;
  /** The server is gone: what it did not sync is lost. */
  cut(): void;
};

/** Whether there is a compiler with the headers of a C library, and this is Linux, which the library is for. */
export const canBuild = (): boolean => process.platform === 'linux' && spawnSync('gcc', ['-E', '-include', 'dlfcn.h', '-x', 'c', '/dev/null']).status === 0;

/** @throws Error where gcc is not installed, or does not take the source */
export function createForgetfulDisk(dataDir: string): ForgetfulDisk {
  const folder = temporaryFolder('power-cut');
  const library = join(folder, 'unsynced.so');
  const source = join(import.meta.dirname, 'unsynced.c');
  if (!canBuild()) installPackages('gcc', 'libc6-dev');
  const built = spawnSync('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-o', library, source, '-ldl', '-lpthread'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`gcc could not build test/crash/unsynced.c (install gcc and libc6-dev): ${built.error?.message ?? built.stderr}`);
  const data = realpathSync(dataDir);
  // Beside the data, so that names in it can be moved and linked.
  const shadow = `${data}.shadow`;
  rmSync(shadow, { recursive: true, force: true });
  mirror(data, shadow);
  process.once('exit', () => rmSync(shadow, { recursive: true, force: true }));
  return {
    env: { LD_PRELOAD: library, WADI_DATA: data, WADI_SHADOW: shadow, UV_USE_IO_URING: '0' },
    cut() {
      rmSync(data, { recursive: true });
      renameSync(join(shadow, 'tree'), data);
      rmSync(shadow, { recursive: true });
      mirror(data, shadow);
    },
  };
}

/** Everything that stands at the start is durable. */
function mirror(data: string, shadow: string): void {
  for (const folder of ['ino', 'nameless']) mkdirSync(join(shadow, folder), { recursive: true });
  const walk = (from: string, to: string): void => {
    mkdirSync(to);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) walk(source, target);
      else {
        const store = join(shadow, 'ino', String(statSync(source).ino));
        copyFileSync(source, store);
        linkSync(store, target);
      }
    }
  };
  walk(data, join(shadow, 'tree'));
}
