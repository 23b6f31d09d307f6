// The command as a process: its arguments, streams and signals.

import { once } from 'node:events';
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runCommand } = await import('./main.ts');

const args = process.argv.slice(2);
const interrupted = new AbortController();
if (args[0] !== 'serve') {
  process.once('SIGINT', () => {
    interrupted.abort();
    process.stdin.destroy();
    // A second one ends it at once.
    process.once('SIGINT', () => process.exit(130));
  });
}
// Whoever read the output has had enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const code = await runCommand(args, {
  stdin: chunksOf(process.stdin),
  isTerminal: process.stderr.isTTY === true,
  env: process.env,
  interrupted: interrupted.signal,
  say: (line) => void process.stderr.write(`${line}\n`),
  async print(text) {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  },
});
// What is still on its way to standard output is to arrive first; a server has nothing there, but may leave timers.
if (args[0] === 'serve') process.exit(code);
process.exitCode = code;

/** Ends, too, where the command is interrupted. */
async function* chunksOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  }
}
