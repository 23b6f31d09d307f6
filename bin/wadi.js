#!/usr/bin/env node
// Starts the command with the Node that the package brings, whatever Node is on the PATH, and with V8's flags that must
// be there at the start: the server's (docs/adr/0005-a-journal-under-the-ledger.md; the same in package.json's start), and
// how far the heap of the other commands may grow, on which depends how long V8 lets garbage lie.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src/cli/start.ts', import.meta.url));
const entry = existsSync(source) ? source : fileURLToPath(new URL('../dist/cli/start.js', import.meta.url));

/** The binary of the dependency `node`. */
function node() {
  const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
  const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(binary)) return binary;
  console.error(`The Node that Wadi runs on is missing (${binary}). Install again, with scripts allowed: npm install node`);
  process.exit(1);
}

const args = process.argv.slice(2);
const flags = args[0] === 'serve' ? ['--max-semi-space-size=4', '--no-allocation-site-pretenuring'] : ['--max-old-space-size=256', '--max-semi-space-size=8'];
const child = spawn(node(), [...flags, entry, ...args], { stdio: 'inherit' });
// Ctrl-C reaches the child by itself; what is sent to this process alone is handed on.
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {});
child.on('error', (error) => {
  console.error(`Cannot start ${child.spawnfile}: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
