// Many records in by one request and out by one: the same values, in order within each key, and memory that does not
// grow with their number.

import { bodyOf, createTopic, type Line, linesOf, ndjson, type Run } from './run.ts';

const keys = 50;
const warmUpRecords = 20_000;
const mostGrowthMiB = 64;
const sampleMs = 20;

function* linesTo(records: number): Generator<string> {
  for (let i = 0; i < records; i++) yield `{"key":"k${i % keys}","value":{"number":${i},"text":"${'x'.repeat(i % 100)}"}}\n`;
}

export async function inAndOut(run: Run): Promise<void> {
  const path = await createTopic(run, 'in-and-out', 4);
  await send(run, await createTopic(run, 'warm-up', 4), warmUpRecords);
  await read(run, '/v1/topics/warm-up', warmUpRecords);
  const before = run.serverMiB();
  let most = before;
  const sampling = setInterval(() => {
    most = Math.max(most, run.serverMiB());
  }, sampleMs);
  const startMs = performance.now();
  const sent = await send(run, path, run.records);
  const sentMs = performance.now();
  const { problems, last } = await read(run, path, run.records);
  const readMs = performance.now();
  clearInterval(sampling);
  const rate = (ms: number): string => `${Math.round((run.records / ms) * 1000).toLocaleString('en')} records/s`;
  console.log(
    `       ${run.records.toLocaleString('en')} records by one request in (${rate(sentMs - startMs)}) and out (${rate(readMs - sentMs)}); the server's memory: ${before.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most`,
  );
  run.check('one request takes all records and acknowledges each', sent.acknowledged === run.records ? [] : [JSON.stringify(sent)]);
  run.check('one request gives all back, in order within each key, and ends with the position', last?.['cursor'] === undefined ? ['no position at the end', ...problems] : problems);
  run.check(`the server's memory grows by at most ${mostGrowthMiB} MiB`, most - before <= mostGrowthMiB ? [] : [`it grew by ${(most - before).toFixed(1)} MiB`]);
}

async function send(run: Run, path: string, records: number): Promise<Line> {
  const response = await fetch(`${run.server.url}${path}/records`, { method: 'POST', headers: { 'content-type': ndjson }, body: bodyOf(linesTo(records)), duplex: 'half' } as RequestInit);
  let last: Line = {};
  for await (const line of linesOf(response.body)) last = line;
  return last;
}

async function read(run: Run, path: string, records: number): Promise<{ problems: string[]; last: Line | undefined }> {
  const response = await fetch(`${run.server.url}${path}/records`, { headers: { accept: ndjson } });
  const next = new Map<string, number>();
  const problems: string[] = [];
  const progress = run.progress('reading', records);
  let count = 0;
  let last: Line | undefined;
  for await (const line of linesOf(response.body)) {
    last = line;
    if (line.offset === undefined) continue;
    count++;
    progress.update(count);
    const key = line.key as string;
    const due = next.get(key) ?? Number(key.slice(1));
    const { number } = line.value as { number: number };
    if (number !== due && problems.length < 10) problems.push(`key ${key}: ${number} where ${due} was due`);
    next.set(key, number + keys);
  }
  progress.end();
  if (count !== records) problems.push(`${count} records of ${records}`);
  return { problems, last };
}
