// Starts the embedded server: `node src/server/main.ts --help` tells how.

import { enableCompileCache } from 'node:module';
import { readCommandLine } from '../config.ts';

// Halves the work of starting: what is below was stripped of its types and compiled at an earlier start.
enableCompileCache();
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
