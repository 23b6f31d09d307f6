// Example: 300,000 real flights into a topic and back, over plain HTTP, while the server is killed in mid-stream.
// Promises to end with an error unless every flight stands in the log exactly once and in order.

import { readOptions, wrongOption } from '../../test/support/options.ts';
import { startProgress } from '../../test/support/progress.ts';
import { startServer, temporaryFolder } from '../../test/support/server-process.ts';
import { createTopic, type Topic } from './api.ts';
import { compareWithFile } from './compare.ts';
import { readFlights } from './flights.ts';
import { sendFlights } from './send.ts';

const help = `
npm run example:flights -- [options]

Sends the first rows of flights-3m.parquet (real flights, from the package vega-datasets) to a topic of 6
partitions, keyed by airport of origin, 1,000 records a request. In the middle the server is killed with SIGKILL
and started again; the sender finds out what stands and sends only the rest. Then everything is read back and
compared with the file: count, order within each key, and a digest of all content.

  --rows N     how many rows, at most 3,000,000 (300,000)
  --url URL    use a server that runs already, and do not kill it
  --server FILE  the server program to start (src/server/main.ts)

Exits 1 on any difference.
`;

const options = readOptions(help, { rows: 'number', url: 'text', server: 'text' });
if (options.rows === 0) wrongOption('--rows must be 1 or more');
if (options.url !== undefined && !URL.canParse(options.url)) wrongOption(`--url takes a URL such as http://127.0.0.1:8080, not '${options.url}'`);

const flights = await readFlights(options.rows ?? 300_000);
console.log(`${flights.length.toLocaleString('en')} flights from ${new Set(flights.map(({ origin }) => origin)).size} airports`);

const dataDir = temporaryFolder('flights');
const start = () => startServer({ dataDir, ...(options.server === undefined ? {} : { entry: options.server }) });
let server = options.url === undefined ? await start() : undefined;
const topic: Topic = { url: options.url?.replace(/\/$/, '') ?? server?.url ?? '', name: `flights-${Date.now()}`, partitions: 6 };
await createTopic(topic);

let sentRows = 0;
let restart: Promise<void> | undefined;
const sending = startProgress('sending', flights.length);
const sendStarted = performance.now();
const sent = await sendFlights(topic, flights, (rows) => {
  sentRows += rows;
  sending.update(sentRows, perSecond(sentRows, sendStarted));
  if (sentRows >= flights.length / 2) restart ??= killAndStartAgain();
});
sending.end(perSecond(sentRows, sendStarted));
await restart;
console.log(`sent in ${sent.requests} requests; ${sent.lostAnswers} got no answer, and of their rows ${sent.foundStanding.toLocaleString('en')} stood nevertheless`);

let readRows = 0;
const reading = startProgress('reading', flights.length);
const readStarted = performance.now();
const { differences, digest } = await compareWithFile(topic, flights, (rows) => {
  readRows += rows;
  reading.update(readRows, perSecond(readRows, readStarted));
});
reading.end(perSecond(readRows, readStarted));
await server?.stop();

for (const difference of differences) console.error(`different: ${difference}`);
if (differences.length === 0) console.log(`the same as the file: ${readRows.toLocaleString('en')} rows, each once and in order within its key; SHA-256 ${digest}`);
process.exitCode = differences.length === 0 ? 0 : 1;

async function killAndStartAgain(): Promise<void> {
  if (server === undefined) return;
  await server.kill();
  const killed = performance.now();
  server = await start();
  topic.url = server.url;
  console.error(`\nkilled the server with ${sentRows.toLocaleString('en')} rows acknowledged; it answered again after ${Math.round(performance.now() - killed)} ms`);
}

function perSecond(rows: number, since: number): string {
  return `${Math.round(rows / ((performance.now() - since) / 1000)).toLocaleString('en')} records/s`;
}
