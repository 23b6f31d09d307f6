// The streams suite: bodies and answers of any length against a real server process. What goes in by one request comes
// out by one request, whole and in order; the server's memory does not follow their length, nor do peers that stand
// still; and a reader of events that is cut off again and again sees each record exactly once.

import { readFileSync } from 'node:fs';
import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { startServer, temporaryFolder } from '../support/server-process.ts';
import { cutReaders } from './cut-readers.ts';
import { inAndOut } from './in-and-out.ts';
import { killInMidStream } from './kill.ts';
import type { Run } from './run.ts';
import { standStill } from './stand-still.ts';

const help = `
npm run test:streams -- [options]

Sends records by lines in one request and reads them by lines in one; lets peers stand still; cuts readers of
server-sent events off at random, while producers go on; kills the server in the middle of a stream.

  --records N   records of the long streams (300,000)
  --cuts N      how often each reader of events is cut off (50)
  --seed N      seed of all random choices (1)
  --ci          a short run: 60,000 records, 10 cuts

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { records: 'number', cuts: 'number', seed: 'number', ci: 'flag' });
const records = options.records ?? (options.ci ? 60_000 : 300_000);
const cuts = options.cuts ?? (options.ci ? 10 : 50);
let passed = 0;
let failed = 0;

const dataDir = temporaryFolder('streams');
const start = () => startServer({ dataDir });
const run: Run = {
  records,
  cuts,
  seed: options.seed ?? 1,
  start,
  server: await start(),
  progress: startProgress,
  check(name, problems) {
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
    for (const problem of problems.slice(0, 10)) console.log(`         ${problem}`);
    if (problems.length === 0) passed++;
    else failed++;
  },
  serverMiB: () => residentMiB(run.server.pid),
};

await inAndOut(run);
await standStill(run);
await cutReaders(run);
await killInMidStream(run);
await run.server.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** Memory that the process has in RAM, from Linux's own books. */
function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
