// A copy of the source tree with faults planted in it, for tests of the tests.

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { track } from './server-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a program to its end, or for `timeoutMs` at most; its output of both kinds in order. */
export async function run(command: string, args: readonly string[], cwd: string, timeoutMs: number): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  track(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, output };
}

/** A tree with the patches applied: its folder, and how to remove it. @throws where a patch no longer applies */
export async function plantTree(patches: readonly string[]): Promise<{ readonly folder: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'wadi-planted-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const name of ['src', 'test', 'package.json']) cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const patch of patches) {
      const { code, output } = await run('git', ['apply', '--whitespace=nowarn', patch], folder, 60_000);
      if (code !== 0) throw new Error(`the patch no longer applies: ${output.trim()}`);
    }
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
