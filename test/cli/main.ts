// The command with much to do: real flights piped in and read back, the same lines for each key, while the memory of
// the command and of the server stays bounded; a server that is killed under it again and again, and the command itself
// killed and run on: each record stands once.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlights } from '../../examples/flights/flights.ts';
import { linesOf } from '../../src/client/lines.ts';
import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { startServer, temporaryFolder, track } from '../support/server-process.ts';

const help = `
npm run test:cli -- [options]

Pipes flights as lines of JSON into 'wadi produce' and reads them with 'wadi consume': the same lines for each key, and
neither the command nor the server grows by more than 64 MiB meanwhile (both have carried ${(20_000).toLocaleString('en')} flights before). Then kills
the server in the middle of 'wadi produce', which must say how many records stand and how many are unknown; kills it and
starts it again, several times, and kills 'wadi produce --resume' several times: each record must stand once, in order.

  --flights N   how many (300,000)
  --ci          a short run: 60,000
  
Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { flights: 'number', ci: 'flag' });
const count = options.flights ?? (options.ci ? 60_000 : 300_000);
const warmUp = 20_000;
const mostGrowthMiB = 64;
const entry = fileURLToPath(new URL('../../src/cli/start.ts', import.meta.url));
/** As bin/wadi.js starts it; by itself, so that a kill meets it. */
const flags = ['--max-old-space-size=256', '--max-semi-space-size=8'];
let passed = 0;
let failed = 0;
const check = (name: string, problems: readonly string[]): void => {
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  for (const problem of problems.slice(0, 10)) console.log(`         ${problem}`);
  if (problems.length === 0) passed++;
  else failed++;
};

const flights = (await readFlights(Math.max(count, warmUp))).slice(0, count);
const dataDir = temporaryFolder('cli');
let server = await startServer({ dataDir });

function wadi(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [...flags, entry, ...args], { env: { ...process.env, WADI_URL: server.url }, stdio: ['pipe', 'pipe', 'pipe'] });
  track(child);
  child.stdin.on('error', () => {});
  return child;
}

const ended = async (child: ChildProcess): Promise<{ code: number | null; err: string }> => {
  let err = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
};

/** Memory that the process has in RAM, from Linux's own books; undefined: it has ended. */
function residentMiB(pid: number | undefined): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

/** How much a process grows from when it has begun to work. */
function watch(pid: number | undefined) {
  let [first, most] = [Number.NaN, 0];
  const sample = (): void => {
    const now = residentMiB(pid);
    if (now === undefined || Number.isNaN(now)) return;
    if (Number.isNaN(first)) first = now;
    most = Math.max(most, now);
  };
  const timer = setInterval(sample, 20);
  return {
    begin: () => {
      [first, most] = [Number.NaN, 0];
      sample();
    },
    end(): { first: number; most: number } {
      clearInterval(timer);
      return { first, most };
    },
  };
}

async function feed(child: ChildProcess, values: Iterable<string>, onLine: (lines: number) => void = () => {}): Promise<void> {
  let [chunk, lines] = ['', 0];
  for (const value of values) {
    chunk += `${value}\n`;
    lines++;
    if (chunk.length < 64 * 1024) continue;
    onLine(lines);
    if (child.stdin?.write(chunk) === false) await drained(child);
    chunk = '';
  }
  child.stdin?.end(chunk);
}

/** Or the command has ended. */
function drained({ stdin }: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    // Its close was told before, and nothing more is.
    if (stdin?.destroyed !== false) return resolve();
    const over = (): void => {
      stdin.off('drain', over).off('close', over);
      resolve();
    };
    stdin.on('drain', over).on('close', over);
  });
}

async function create(topic: string): Promise<void> {
  const { code, err } = await ended(wadi('topics', 'create', topic, '--partitions', '6'));
  if (code !== 0) throw new Error(err);
}

async function produce(topic: string, values: readonly string[], label?: string): Promise<{ code: number | null; err: string; memory: { first: number; most: number } }> {
  const child = wadi('produce', topic, '--format', 'json', '--key-field', 'origin');
  const result = ended(child);
  const memory = watch(child.pid);
  const progress = label === undefined ? undefined : startProgress(label, values.length);
  let begun = false;
  await feed(child, values, (lines) => {
    progress?.update(lines);
    // The first tenth has everything in the command loaded and compiled.
    if (!begun && lines > values.length / 10) {
      begun = true;
      memory.begin();
    }
  });
  progress?.end();
  return { ...(await result), memory: memory.end() };
}

async function consume(topic: string, each: (key: string, value: string) => void, label?: string): Promise<{ code: number | null; err: string; memory: { first: number; most: number } }> {
  const child = wadi('consume', topic, '--from', 'earliest', '--with-key');
  child.stdin?.end();
  const result = ended(child);
  const memory = watch(child.pid);
  const progress = label === undefined ? undefined : startProgress(label, count);
  let lines = 0;
  for await (const line of linesOf(child.stdout as AsyncIterable<Uint8Array>)) {
    const text = Buffer.from(line).toString();
    const tab = text.indexOf('\t');
    each(text.slice(0, tab), text.slice(tab + 1));
    if (++lines === Math.ceil(count / 10)) memory.begin();
    progress?.update(lines);
  }
  progress?.end();
  return { ...(await result), memory: memory.end() };
}

await create('warm-up');
await produce(
  'warm-up',
  flights.slice(0, warmUp).map(({ value }) => value),
);
await consume('warm-up', () => {});

await create('flights');
const ofServer = watch(server.pid);
ofServer.begin();
const producing = await produce(
  'flights',
  flights.map(({ value }) => value),
  'producing',
);
check("'wadi produce' takes all, and says nothing", producing.code === 0 && producing.err === '' ? [] : [`exit code ${producing.code}: ${producing.err}`]);

const due = new Map<string, string[]>();
for (const { origin, value } of flights) {
  const list = due.get(origin) ?? [];
  if (list.length === 0) due.set(origin, list);
  list.push(value);
}
const next = new Map<string, number>();
const differences: string[] = [];
let seen = 0;
const consuming = await consume(
  'flights',
  (key, value) => {
    seen++;
    const at = next.get(key) ?? 0;
    next.set(key, at + 1);
    if (due.get(key)?.[at] !== value && differences.length < 10) differences.push(`key ${key}, line ${at}: ${value.slice(0, 100)}`);
  },
  'consuming',
);
const memory = { server: ofServer.end(), produce: producing.memory, consume: consuming.memory };
check("'wadi consume' gives the same lines back for each key", [
  ...(consuming.code === 0 && consuming.err === '' ? [] : [`exit code ${consuming.code}: ${consuming.err}`]),
  ...(seen === flights.length ? [] : [`${seen} lines of ${flights.length}`]),
  ...differences,
]);
for (const [who, { first, most }] of Object.entries(memory)) {
  console.log(`       memory of ${who}: ${first.toFixed(0)} MiB, ${most.toFixed(0)} at most`);
  check(`${who} grows by at most ${mostGrowthMiB} MiB`, most - first <= mostGrowthMiB ? [] : [`it grew by ${(most - first).toFixed(1)} MiB`]);
}

await create('killed');
const child = wadi('produce', 'killed', '--format', 'json', '--key-field', 'origin', '--give-up', '1');
const result = ended(child);
let killed: Promise<void> | undefined;
await feed(
  child,
  flights.map(({ value }) => value),
  (lines) => {
    if (lines >= flights.length / 2) killed ??= server.kill();
  },
);
await killed;
const { code, err } = await result;
console.log(`       ${err.trim()}`);
const told = /([\d,]+) records? acknowledged(?:; ([\d,]+) unknown)?/.exec(err);
const [acknowledged, unknown] = [told?.[1], told?.[2]].map((text) => Number((text ?? 'NaN').replaceAll(',', '')));
server = await startServer({ dataDir });
let standing = 0;
await consume('killed', () => standing++);
console.log(`       ${standing.toLocaleString('en')} stand after the restart`);
check("a kill in mid-stream: 'wadi produce' says what is acknowledged and what is unknown, with exit code 4", [
  ...(code === 4 ? [] : [`exit code ${code}`]),
  ...(/^Lost the server/.test(err) && err.trim().split('\n').length === 1 ? [] : [err]),
  ...((acknowledged as number) > 0 && (unknown as number) > 0 ? [] : ['no counts']),
  ...(standing >= (acknowledged as number) && standing <= (acknowledged as number) + (unknown as number) ? [] : [`${standing} stand, of ${acknowledged} acknowledged and ${unknown} unknown`]),
]);

/** What the flights of a topic are not as they were sent: each once, in order within its key. */
async function wrongIn(topic: string, sent: readonly (typeof flights)[number][]): Promise<string[]> {
  const wanted = new Map<string, string[]>();
  for (const { origin, value } of sent) {
    const list = wanted.get(origin) ?? [];
    wanted.set(origin, list);
    list.push(value);
  }
  const places = new Map<string, number>();
  const wrong: string[] = [];
  let lines = 0;
  const { code: exitCode, err: said } = await consume(topic, (key, value) => {
    lines++;
    const place = places.get(key) ?? 0;
    places.set(key, place + 1);
    if (wanted.get(key)?.[place] !== value && wrong.length < 5) wrong.push(`${key}: number ${place} is ${value.slice(0, 80)}`);
  });
  if (exitCode !== 0) wrong.push(`consume ended with ${exitCode}: ${said}`);
  return lines === sent.length ? wrong : [...wrong, `${lines} lines of ${sent.length}`];
}

const some = flights.slice(0, Math.min(flights.length, 60_000));
const port = Number(new URL(server.url).port);
const kills = 5;

await create('restarted');
const steadfast = wadi('produce', 'restarted', '--format', 'json', '--key-field', 'origin');
const steadfastResult = ended(steadfast);
let restarts = 0;
let restarting: Promise<void> = Promise.resolve();
await feed(
  steadfast,
  some.map(({ value }) => value),
  (lines) => {
    if (lines < (some.length * (restarts + 1)) / (kills + 1)) return;
    restarts++;
    restarting = restarting.then(async () => {
      await server.kill();
      server = await startServer({ dataDir, port });
    });
  },
);
await restarting;
const steady = await steadfastResult;
check(`the server killed ${kills} times under 'wadi produce': it sends again and says nothing`, [
  ...(restarts >= kills ? [] : [`${restarts} kills`]),
  ...(steady.code === 0 && steady.err === '' ? [] : [`exit code ${steady.code}: ${steady.err}`]),
]);
check('and each record stands once, in order', await wrongIn('restarted', some));

await create('resumed');
const inputPath = join(dataDir, '..', `flights-${process.pid}.jsonl`);
const resumePath = join(dataDir, '..', `flights-${process.pid}.resume`);
writeFileSync(inputPath, some.map(({ value }) => `${value}\n`).join(''));
const resumed = () => wadi('produce', 'resumed', inputPath, '--format', 'json', '--key-field', 'origin', '--resume', resumePath);
let killedRuns = 0;
let finished: { code: number | null; err: string } | undefined;
for (let run = 0; finished === undefined && run < 100; run++) {
  const one = resumed();
  const over = ended(one);
  // A moment in the middle of its work, whatever that is: later in each run.
  const timer = setTimeout(() => one.kill('SIGKILL'), run < 20 ? 150 + 30 * run : 60_000);
  const outcome = await over;
  clearTimeout(timer);
  if (outcome.code === null) killedRuns++;
  else finished = outcome;
}
check(`'wadi produce --resume' killed ${killedRuns} times goes on to its end`, [
  ...(killedRuns >= kills ? [] : [`only ${killedRuns} kills`]),
  ...(finished?.code === 0 && finished.err === '' ? [] : [`exit code ${finished?.code}: ${finished?.err}`]),
]);
check('and each record stands once, in order: after kills', await wrongIn('resumed', some));
appendFileSync(
  inputPath,
  flights
    .slice(0, 100)
    .map(({ value }) => `${value}\n`)
    .join(''),
);
const grown = await ended(resumed());
check('what the file has grown by is sent, and no more', [...(grown.code === 0 ? [] : [grown.err]), ...(await wrongIn('resumed', [...some, ...flights.slice(0, 100)]))]);
writeFileSync(inputPath, 'another\n');
const other = await ended(resumed());
check('another input is refused', other.code === 2 && /the input is another one/.test(other.err) ? [] : [`exit code ${other.code}: ${other.err}`]);
for (const path of [inputPath, resumePath]) rmSync(path, { force: true });
await server.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
