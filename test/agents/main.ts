// Agents of the examples that can be installed here, run as their files say: curl and Telegraf, against a real server,
// and against answers that refuse. For the others see test/examples/agents.test.ts.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../support/apt.ts';
import { readOptions } from '../support/options.ts';
import { startServer, temporaryFolder, track } from '../support/server-process.ts';
import { type Front, startFront } from './front.ts';
import { hasTelegraf, installTelegraf } from './telegraf.ts';

const help = `
npm run test:agents -- [options]

Runs examples/agents/curl.sh, and Telegraf with examples/agents/telegraf.conf: what they send stands, and what they do
when they are refused is what examples/agents/README.md says. Telegraf is built by Go (about a minute, once); curl comes
with Debian's package, which is installed where it is missing.

  --ci   without Telegraf, unless it has been built before

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

const options = readOptions(help, { ci: 'flag' });

const examples = fileURLToPath(new URL('../../examples/agents/', import.meta.url));
const patienceMs = 60_000;
const folder = temporaryFolder('agents');
const server = await startServer({ dataDir: join(folder, 'data') });
let passed = 0;
let failed = 0;

async function check(name: string, run: () => Promise<readonly string[]>): Promise<void> {
  const problems = await Promise.race([run(), overdue()]).catch((error: unknown) => [String(error)]);
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  for (const problem of problems) console.log(`         ${problem}`);
  if (problems.length === 0) passed++;
  else failed++;
}

/** What waits for something that does not come ends here. */
const overdue = (): Promise<never> => new Promise((_, reject) => setTimeout(() => reject(new Error(`it was not over after ${patienceMs / 1000} s`)), patienceMs).unref());

const same = (what: string, is: unknown, due: unknown): string[] => (JSON.stringify(is) === JSON.stringify(due) ? [] : [`${what}: ${JSON.stringify(is)} in place of ${JSON.stringify(due)}`]);

async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(server.url + path, { method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) });
  return (await answer.json()) as Record<string, unknown>;
}
const create = (topic: string) => call('PUT', `/v1/topics/${topic}`, { partitions: 1 });
const remove = (topic: string) => fetch(`${server.url}/v1/topics/${topic}`, { method: 'DELETE' });
const valuesOf = async (topic: string): Promise<unknown[]> =>
  ((await call('GET', `/v1/topics/${topic}/records?from=earliest&limit=1000`))['records'] as { value: unknown }[]).map(({ value }) => value);

// curl

const hasCurl = (): boolean => spawnSync('curl', ['--version']).status === 0;
if (!hasCurl()) {
  installPackages('curl');
}

/** `feed` writes the input, and ends it. */
async function runCurl(url: string, feed: (input: NodeJS.WritableStream) => Promise<void>): Promise<{ code: number; last: Record<string, unknown> }> {
  const child = spawn('sh', [join(examples, 'curl.sh')], { env: { ...process.env, WADI_URL: url }, stdio: ['pipe', 'pipe', 'ignore'] });
  track(child);
  child.stdin.on('error', () => {});
  const closed = once(child, 'close');
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (printed += part));
  await feed(child.stdin);
  const [code] = (await closed) as [number];
  return { code, last: JSON.parse(printed.trim().split('\n').at(-1) || '{}') as Record<string, unknown> };
}
const stands = async (url: string, offset: number): Promise<void> => {
  const answer = await fetch(`${url}/v1/topics/curl/partitions/0/records?offset=${offset}&waitMs=30000`);
  const { records } = (await answer.json()) as { records?: unknown[] };
  if (records?.length !== 1) throw new Error(`no record came at offset ${offset}`);
};

await check('curl.sh says that there is no topic, and exits 1', async () => {
  const { code, last } = await runCurl(server.url, async (input) => void input.end('1\n'));
  return [...same('exit code', code, 1), ...same('code', last['code'], 'topic_not_found')];
});
await create('curl');
await check('curl.sh sends each line as it comes, and exits 0 when all stand', async () => {
  const { code, last } = await runCurl(server.url, async (input) => {
    input.write('{"n":1}\n');
    await stands(server.url, 0);
    input.end('"zwei"\n{"n":3}\n');
  });
  return [...same('exit code', code, 0), ...same('acknowledged', last['acknowledged'], 3), ...same('values', await valuesOf('curl'), [{ n: 1 }, 'zwei', { n: 3 }])];
});
await check('curl.sh exits 1 where only a beginning stands', async () => {
  const { code, last } = await runCurl(server.url, async (input) => {
    input.write('4\n');
    await stands(server.url, 3);
    input.end('no JSON\n5\n');
  });
  return [...same('exit code', code, 1), ...same('acknowledged', last['acknowledged'], 1), ...same('the last value', (await valuesOf('curl')).at(-1), 4)];
});
await check('curl.sh exits 1 where the server is killed before it has answered all', async () => {
  const other = await startServer({ dataDir: join(folder, 'killed') });
  await (await fetch(`${other.url}/v1/topics/curl`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"partitions":1}' })).text();
  const { code } = await runCurl(other.url, async (input) => {
    input.write('1\n');
    await stands(other.url, 0);
    await other.kill();
    input.end('2\n');
  });
  return same('exit code', code, 1);
});

// Telegraf

type Metric = { readonly name: string; readonly tags: Record<string, string>; readonly fields: Record<string, number>; readonly timestamp: number };

/** Runs it until `during` has ended, with the example's file; but it measures each second, and sends to `front`. */
async function runTelegraf(binary: string, front: Front, during: () => Promise<void>): Promise<void> {
  const example = readFileSync(join(examples, 'telegraf.conf'), 'utf8');
  const config = example.replace('http://127.0.0.1:8080', front.url).replace('[agent]', '[agent]\n  interval = "1s"');
  if (!example.includes('http://127.0.0.1:8080') || !example.includes('[agent]')) throw new Error('telegraf.conf does not name the address of the README, or has no [agent]');
  const path = join(folder, 'telegraf.conf');
  writeFileSync(path, config);
  const child = spawn(binary, ['--config', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  track(child);
  const closed = once(child, 'close');
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (printed = (printed + part).slice(-10_000)));
  await Promise.race([during(), closed.then(() => Promise.reject(new Error(`Telegraf ended: ${printed}`)))]);
  child.kill('SIGTERM');
  await closed;
}
const timesOf = ({ body }: { readonly body: string }): number[] => (JSON.parse(body) as Metric[]).map(({ timestamp }) => timestamp);
const standing = async (): Promise<Metric[]> => (await valuesOf('telegraf')) as Metric[];

const telegraf = options.ci && !hasTelegraf() ? 'not asked for' : installTelegraf();
if (telegraf === 'not asked for') console.log('Telegraf is not tried in the short run: to build it takes longer than all else. Without --ci it is.');
else if (telegraf === undefined) await check('Telegraf is there', async () => ['it could not be built']);
else {
  const withFront = async (run: (front: Front) => Promise<readonly string[]>): Promise<readonly string[]> => {
    const front = await startFront(server.url);
    try {
      return await run(front);
    } finally {
      front.close();
      await remove('telegraf');
    }
  };
  await check('Telegraf waits for its topic (404), and each metric is a record then, once', () =>
    withFront(async (front) => {
      await runTelegraf(telegraf, front, async () => {
        await front.until((seen) => seen.some(({ status }) => status === 404));
        await create('telegraf');
        await front.until((seen) => seen.filter(({ status }) => status === 200).length >= 2);
      });
      const refused = front.seen.filter(({ status }) => status === 404).flatMap(timesOf);
      const stand = await standing();
      const times = stand.map(({ timestamp }) => timestamp);
      return [
        ...same(
          'refused and not there',
          [...new Set(refused)].filter((time) => !times.includes(time)),
          [],
        ),
        ...same(
          'there twice',
          times.filter((time, i) => times.indexOf(time) !== i),
          [],
        ),
        ...same('names', [...new Set(stand.map(({ name, tags }) => `${name} ${tags['cpu']}`))], ['cpu cpu-total']),
        ...same(
          'of other form',
          stand.filter(({ fields }) => typeof fields['usage_idle'] !== 'number'),
          [],
        ),
      ];
    }),
  );
  /** Sends until something stands, the first request refused: the times of what was refused, and of what stands then. */
  const refuseFirst = (status: number, judge: (refused: readonly number[], times: readonly number[]) => readonly string[]) => () =>
    withFront(async (front) => {
      await create('telegraf');
      front.answerNext(status);
      await runTelegraf(telegraf, front, () => front.until((seen) => seen.some((one) => one.status === 200)));
      const [first] = front.seen;
      if (first?.status !== status) return [`the first request was answered with ${first?.status}`];
      return judge(
        timesOf(first),
        (await standing()).map(({ timestamp }) => timestamp),
      );
    });
  for (const status of [429, 500, 503, 507]) {
    await check(
      `Telegraf sends again what was answered with ${status}`,
      refuseFirst(status, (refused, times) =>
        same(
          'refused and not there',
          refused.filter((time) => !times.includes(time)),
          [],
        ),
      ),
    );
  }
  for (const status of [400, 413, 415]) {
    await check(
      `Telegraf drops what was answered with ${status}, and goes on`,
      refuseFirst(status, (refused, times) => [
        ...same(
          'refused and there',
          refused.filter((time) => times.includes(time)),
          [],
        ),
        ...(times.length > 0 ? [] : ['nothing stands']),
      ]),
    );
  }
}

await server.stop();
console.log(`${passed} passed, ${failed} failed`);
// What was overdue may still be waiting.
process.exit(failed === 0 ? 0 : 1);
