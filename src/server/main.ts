// Starts the embedded server: `node src/server/main.ts --help` tells how.

import { enableCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { readCommandLine } from '../config.ts';

// Halves the work of starting: what is below was stripped of its types and compiled at an earlier start.
enableCompileCache();
// Before what is below makes it grow: a young generation that stays small. Bodies live outside the JavaScript heap, and
// few objects point to many bytes; a large one is collected so rarely that V8 calls for full collections to get at the
// bytes, and appends of 100 KB take twice the CPU (docs/adr/0005-a-journal-under-the-ledger.md).
setFlagsFromString('--semi-space-growth-factor=1');
const commandLine = readCommandLine(process.argv.slice(2));
if ('help' in commandLine) process.stdout.write(commandLine.help);
else if ('wrong' in commandLine) {
  process.stderr.write(`${commandLine.wrong} See --help.\n`);
  process.exitCode = 2;
} else {
  // What follows takes a while to load; a wrong option need not wait for it.
  const { runServer } = await import('./run.ts');
  process.exit(await runServer(commandLine.run));
}
