// A web page as client, in headless Chromium: examples/browser with its connections cut at random, and what CORS lets
// pages of other origins do.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../support/options.ts';
import { startProgress } from '../support/progress.ts';
import { seededRandom } from '../support/random.ts';
import { startServer, temporaryFolder } from '../support/server-process.ts';
import { type Chromium, installChromium, type Page, startChromium } from './chromium.ts';
import { startCuttingProxy } from './cutting-proxy.ts';

const help = `
npm run test:browser -- [options]

Runs the page of examples/browser in headless Chromium (Debian's package, installed where it is missing). Its
EventSource is cut off at random, in the middle of events too, and must see each record exactly once, from one
partition and from all; fetch must work from the origin that the server was told of, and from no other.

  --ci        10 cuts for each reader instead of 50
  --seed N    of the cuts (default 1)

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const { ci, seed = 1 } = readOptions(help, { ci: 'flag', seed: 'number' });
const cuts = ci ? 10 : 50;
const folder = fileURLToPath(new URL('../../examples/browser/', import.meta.url));
/** A reader that is cut off comes back after 1 s, and may be cut off several times before it gets further. */
const showTimeoutMs = 20_000;
/** Of the page, every record that it shows. */
const seenByPage = `[...document.querySelectorAll('#records li')].map((line) => ({ place: line.dataset.place, value: JSON.parse(line.textContent) }))`;
const json = { 'content-type': 'application/json' };

let [passed, failed] = [0, 0];
function check(name: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  for (const problem of problems.slice(0, 10)) console.log(`         ${problem}`);
}

/** What is thrown is a problem of its check, and not the end of the suite. */
async function problemsOf(find: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await find();
  } catch (thrown) {
    return [String(thrown)];
  }
}

if (installChromium()) await runAll();
else check("chromium is not there, and could not be installed: install Debian's package 'chromium', and run this again", ['']);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function runAll(): Promise<void> {
  const [pages, others] = [await servePages(), await servePages()];
  const server = await startServer({ dataDir: temporaryFolder('browser'), args: ['--cors-origin', originOf(pages)] });
  const chromium = await startChromium();
  try {
    await cutOff(chromium, originOf(pages), server.url, 'one partition', { partitions: 1, query: '&partition=0' });
    await cutOff(chromium, originOf(pages), server.url, 'all partitions', { partitions: 3, query: '' });
    await fromNamedOrigin(chromium, originOf(pages), server.url);
    await fromOtherOrigin(chromium, originOf(others), server.url);
  } finally {
    await chromium.close();
    await server.stop();
    for (const one of [pages, others]) {
      one.closeAllConnections();
      one.close();
    }
  }
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function servePages(): Promise<Server> {
  const types: Record<string, string> = { 'index.html': 'text/html', 'page.js': 'text/javascript' };
  const server = createServer(({ url = '' }, response) => {
    const name = new URL(url, 'http://page').pathname.slice(1) || 'index.html';
    const type = types[name];
    if (type === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(readFileSync(folder + name));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function createTopic(url: string, topic: string, partitions: number): Promise<void> {
  const response = await fetch(`${url}/v1/topics/${topic}`, { method: 'PUT', headers: json, body: JSON.stringify({ partitions }) });
  if (!response.ok) throw new Error(await response.text());
}

/** Records go on being appended until the page's connection has been cut so often; then it must have each once, in order. */
async function cutOff(chromium: Chromium, origin: string, url: string, name: string, { partitions, query }: { readonly partitions: number; readonly query: string }): Promise<void> {
  const topic = `cut-${partitions}`;
  await createTopic(url, topic, partitions);
  const proxy = await startCuttingProxy(url);
  const random = seededRandom(seed);
  const page = await chromium.open(`${origin}/?server=${proxy.url}&topic=${topic}${query}`);
  const progress = startProgress(`cutting off a reader of ${name}`, cuts);
  let appended = 0;
  let left = cuts;
  const cutting = (async () => {
    for (; left > 0; left--) {
      await proxy.cutAfter(random.between(1, 4_000));
      progress.update(cuts - left + 1);
    }
  })();
  const append = async (count: number) => {
    const list = Array.from({ length: count }, () => ({ key: `k${appended % 7}`, value: appended++ }));
    const response = await fetch(`${url}/v1/topics/${topic}/records`, { method: 'POST', headers: json, body: JSON.stringify({ records: list }) });
    if (!response.ok) throw new Error(await response.text());
  };
  const problems = await problemsOf(async () => {
    while (left > 0) {
      await append(random.between(1, 5));
      // No faster than the page shows them, unless it is cut off.
      await Promise.race([shows(page, appended), cutting]);
    }
    // What the last resumption repeats comes before these, and is counted.
    await append(5);
    await shows(page, appended);
    return wrongIn(await page.evaluate<Seen[]>(seenByPage), appended);
  });
  progress.end();
  proxy.close();
  check(`EventSource, a reader of ${name} that is cut off ${cuts} times sees each of ${appended.toLocaleString('en')} records once`, problems);
}

type Seen = { readonly place: string; readonly value: number };

function wrongIn(seen: readonly Seen[], appended: number): string[] {
  const values = seen.map(({ value }) => value).sort((a, b) => a - b);
  const problems: string[] = [];
  if (values.length !== appended || values.some((value, i) => value !== i)) problems.push(`${values.length} values seen, ${new Set(values).size} different, of ${appended}`);
  const last = new Map<string, number>();
  for (const { place } of seen) {
    const [partition = '', offset] = place.split('/');
    if (Number(offset) !== (last.get(partition) ?? -1) + 1) problems.push(`partition ${partition}: offset ${offset} after ${last.get(partition)}`);
    last.set(partition, Number(offset));
  }
  return problems;
}

/** Resolves when the page shows so many records. Rejects when it does not in time: a record that is lost never comes. */
async function shows(page: Page, count: number): Promise<void> {
  const shown = await page.evaluate<number>(`new Promise((resolve) => {
    const list = document.getElementById('records');
    const end = () => (watch.disconnect(), clearTimeout(timer), resolve(list.childElementCount));
    const look = () => list.childElementCount >= ${count} && end();
    const watch = new MutationObserver(look);
    const timer = setTimeout(end, ${showTimeoutMs});
    watch.observe(list, { childList: true });
    look();
  })`);
  if (shown < count) throw new Error(`${shown} of ${count} records are shown after ${showTimeoutMs / 1000} s`);
}

async function fromNamedOrigin(chromium: Chromium, origin: string, url: string): Promise<void> {
  await createTopic(url, 'cors', 1);
  const page = await chromium.open(`${origin}/?server=${url}&topic=cors`);
  const shown = await problemsOf(async () => {
    await page.evaluate(`(document.getElementById('value').value = 'from a form', document.getElementById('produce').requestSubmit())`);
    await shows(page, 1);
    const text = await page.evaluate<string>(`document.getElementById('records').textContent`);
    return text === '"from a form"' ? [] : [text];
  });
  check('the page appends by fetch what its EventSource then shows', shown);

  const headers = await problemsOf(async () => {
    const fetched = await page.evaluate<{ status: number; id: string | null; next: string | null; bytes: number }>(`(async () => {
      const response = await fetch('${url}/v1/topics/cors/partitions/0/records', { headers: { accept: 'application/vnd.wadi.record-batches' } });
      return { status: response.status, id: response.headers.get('x-request-id'), next: response.headers.get('wadi-next-offset'), bytes: (await response.arrayBuffer()).byteLength };
    })()`);
    return fetched.status === 200 && fetched.id !== null && fetched.next === '1' && fetched.bytes > 0 ? [] : [JSON.stringify(fetched)];
  });
  check('it can read the headers of an answer', headers);

  const problem = await problemsOf(async () => {
    const refused = await page.evaluate<string>(
      `fetch('${url}/v1/topics/nowhere/records', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"records":[{"value":1}]}' }).then(async (response) => response.status + ' ' + (await response.json()).code)`,
    );
    return refused === '404 topic_not_found' ? [] : [refused];
  });
  check('it can read a problem', problem);
}

async function fromOtherOrigin(chromium: Chromium, origin: string, url: string): Promise<void> {
  await createTopic(url, 'guarded', 1);
  await fetch(`${url}/v1/topics/guarded/records`, { method: 'POST', headers: json, body: '{"records":[{"value":"mine"}]}' });
  const page = await chromium.open(`${origin}/?server=${url}&topic=guarded`);
  const outcomes = await page.evaluate<string[]>(`Promise.all([
    fetch('${url}/v1/topics/guarded/records'),
    fetch('${url}/v1/topics/guarded/records', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"records":[{"value":1}]}' }),
    fetch('${url}/v1/topics/guarded/records?as=value', { method: 'POST', body: 'no preflight' }),
    fetch('${url}/v1/topics/guarded', { method: 'DELETE' }),
  ].map((answer) => answer.then(() => 'answered', () => 'refused')))`);
  const shown = await page.evaluate<number>(`document.getElementById('records').childElementCount`);
  // None where the topic itself was deleted.
  const { records = [] } = (await (await fetch(`${url}/v1/topics/guarded/records`)).json()) as { records?: object[] };
  check('a page of another origin reads nothing and writes nothing', [
    ...(outcomes.every((outcome) => outcome === 'refused') ? [] : [`fetch: ${outcomes.join(', ')}`]),
    ...(shown === 0 ? [] : [`EventSource showed ${shown} records`]),
    ...(records.length === 1 ? [] : [`${records.length} records stand`]),
  ]);
}
