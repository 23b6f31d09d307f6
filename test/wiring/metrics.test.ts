// What /metrics tells is true, is in the format that Prometheus reads, and is what docs/METRICS.md and the dashboard say.

import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exposition, histogramSamples } from '../../src/wiring/exposition.ts';
import { cloudMissing, startCloud } from '../support/cloud.ts';
import { startServer, temporaryFolder } from '../support/server-process.ts';

type Parsed = { readonly type: string; readonly help: string; readonly samples: { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[] };

/** A reader of the format that is stricter than Prometheus. */
function parse(text: string): Map<string, Parsed> {
  expect(text.endsWith('\n')).toBe(true);
  const families = new Map<string, Parsed>();
  let current: [string, Parsed] | undefined;
  let help: [string, string] | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const helped = /^# HELP ([a-z_]+) (.+)$/.exec(line);
    const typed = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    if (helped !== null) help = [helped[1] as string, helped[2] as string];
    else if (typed !== null) {
      expect([help?.[0], families.has(typed[1] as string)]).toEqual([typed[1], false]);
      current = [typed[1] as string, { type: typed[2] as string, help: help?.[1] as string, samples: [] }];
      families.set(...current);
    } else {
      const sample = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.e+-]+|NaN|[+-]Inf)$/.exec(line);
      expect([line, sample === null]).toEqual([line, false]);
      const [, name = '', pairs = '', value] = sample as RegExpExecArray;
      const labels = Object.fromEntries([...pairs.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, content]) => [label, content]));
      const base = current?.[1].type === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name;
      expect(base).toBe(current?.[0]);
      current?.[1].samples.push({ name, labels, value: Number(value) });
    }
  }
  return families;
}

describe('the format', () => {
  it('escapes what would break a line', () => {
    const text = exposition([{ name: 'a', type: 'gauge', help: 'a\\b\nc', samples: [{ labels: { l: 'x"y\\z\n' }, value: 1.5 }] }]);
    expect(text).toBe('# HELP a a\\\\b\\nc\n# TYPE a gauge\na{l="x\\"y\\\\z\\n"} 1.5\n');
  });

  it('a histogram is cumulative, ends at +Inf, and its count is that of the last bucket', () => {
    const samples = histogramSamples([1, 2], [3, 0, 4], 20);
    expect(samples.map(({ suffix, labels, value }) => [suffix, labels?.['le'], value])).toEqual([
      ['_bucket', '1', 3],
      ['_bucket', '2', 3],
      ['_bucket', '+Inf', 7],
      ['_sum', undefined, 20],
      ['_count', undefined, 7],
    ]);
  });
});

const told = (families: Map<string, Parsed>, name: string, labels: Record<string, string> = {}): number | undefined => {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.samples.find((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))?.value;
};

const rowsOf = (families: Map<string, Parsed>): string[] =>
  [...families].map(([name, { type, help, samples }]) => {
    const labels = [...new Set(samples.flatMap(({ labels: own }) => Object.keys(own)))].filter((label) => label !== 'le').sort();
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
  });

/** The rows of docs/METRICS.md: of every server, and of one on AWS besides. */
function documented(): { readonly every: string[]; readonly onAws: string[] } {
  const [every = '', onAws = ''] = readFileSync(new URL('../../docs/METRICS.md', import.meta.url), 'utf8').split('## On DynamoDB and S3');
  const rows = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('| `'));
  return { every: rows(every), onAws: rows(onAws) };
}

async function scrapeOf(url: string): Promise<Map<string, Parsed>> {
  const response = await fetch(`${url}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  return parse(await response.text());
}

const missing = cloudMissing();
if (missing !== undefined) console.log(`The metrics of a server on DynamoDB and S3 are not tested: ${missing}.`);

describe.skipIf(missing !== undefined)('a server on DynamoDB and S3', () => {
  it('counts its requests to AWS, and is documented', async () => {
    const cloud = await startCloud();
    const server = await startServer(cloud.server);
    const send = (method: string, path: string, body: unknown) => fetch(`${server.url}/v1/topics/m${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    expect((await send('PUT', '', { partitions: 1 })).status).toBe(201);
    const before = await scrapeOf(server.url);
    for (const value of ['small', 'x'.repeat(10_000)]) expect((await send('POST', '/records', { records: [{ value }] })).status).toBe(200);
    const families = await scrapeOf(server.url);
    const grown = (name: string, labels?: Record<string, string>) => (told(families, name, labels) ?? Number.NaN) - (told(before, name, labels) ?? 0);
    const requests = (service: string, operation: string, outcome = 'ok') => grown('wadi_aws_requests_total', { service, operation, outcome });
    expect(requests('s3', 'PutObject')).toBe(1);
    // The payload of the small one, the work that the first append leaves, then an append of each.
    expect(requests('dynamodb', 'PutItem')).toBe(2);
    expect(requests('dynamodb', 'UpdateItem')).toBe(2);
    expect(requests('dynamodb', 'UpdateItem', 'failed')).toBe(0);
    expect(grown('wadi_dynamodb_write_units_total')).toBe(4);
    expect(grown('wadi_dynamodb_read_units_total')).toBeGreaterThan(0);
    const { every, onAws } = documented();
    const names = new Set(every.map((row) => row.split('|')[1]));
    expect(rowsOf(families).filter((row) => !names.has(row.split('|')[1]))).toEqual(onAws);
    await server.stop();
    await cloud.stop();
  });
});

describe('a server', () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  beforeAll(async () => {
    server = await startServer({ dataDir: temporaryFolder('metrics'), args: ['--log-level', 'debug'] });
  });
  afterAll(() => server.stop());

  const scrape = () => scrapeOf(server.url);

  it('counts what it did', async () => {
    const json = { 'content-type': 'application/json' };
    await fetch(`${server.url}/v1/topics/m`, { method: 'PUT', headers: json, body: '{"partitions":2}' });
    for (let i = 0; i < 3; i++) await fetch(`${server.url}/v1/topics/m/partitions/1/records`, { method: 'POST', headers: json, body: '{"records":[{"value":1},{"value":2}]}' });
    await fetch(`${server.url}/v1/topics/m/records`);
    await fetch(`${server.url}/v1/topics/nowhere/records`);
    await fetch(`${server.url}/no/such/place`);
    // The answer to a request is counted when it is sent, which may be after its reader has it.
    await expect.poll(async () => told(await scrape(), 'wadi_http_requests_total', { operation: 'none', status: '404' })).toBe(1);
    const families = await scrape();
    const of = (name: string, labels?: Record<string, string>) => told(families, name, labels);
    expect(of('wadi_http_requests_total', { operation: 'appendToPartition', status: '200' })).toBe(3);
    expect(of('wadi_http_requests_total', { operation: 'fetchTopic', status: '404' })).toBe(1);
    expect(of('wadi_http_request_duration_seconds_count', { operation: 'appendToPartition' })).toBe(3);
    expect(of('wadi_http_request_duration_seconds_bucket', { operation: 'appendToPartition', le: '+Inf' })).toBe(3);
    expect(of('wadi_errors_total', { code: 'topic_not_found' })).toBe(1);
    expect(of('wadi_appends_total')).toBe(3);
    expect(of('wadi_append_records_total')).toBe(6);
    expect(of('wadi_commits_total')).toBe(3);
    expect(of('wadi_commit_appends_sum')).toBe(3);
    expect(of('wadi_append_bytes_total')).toBe(of('wadi_partition_bytes', { topic: 'm', partition: '1' }));
    expect(of('wadi_fetch_bytes_total')).toBe(of('wadi_append_bytes_total'));
    expect(of('wadi_partition_end_offset', { topic: 'm', partition: '1' })).toBe(6);
    expect(of('wadi_partition_end_offset', { topic: 'm', partition: '0' })).toBe(0);
    expect(of('wadi_ledger_syncs_total')).toBeGreaterThan(3);
    expect(of('wadi_http_requests_in_flight')).toBe(1);
    expect(of('wadi_network_received_bytes_total')).toBeGreaterThan(500);
    expect(of('process_resident_memory_bytes')).toBeGreaterThan(10 ** 7);
  });

  it('counters never fall', async () => {
    const before = await scrape();
    const after = await scrape();
    for (const [name, { type, samples }] of before) {
      if (type === 'gauge') continue;
      for (const { name: sampled, labels, value } of samples) expect([name, told(after, sampled, labels) ?? -1]).toEqual([name, Math.max(value, told(after, sampled, labels) ?? -1)]);
    }
  });

  it('docs/METRICS.md has every metric, with its type and labels, and no other', async () => {
    expect(rowsOf(await scrape())).toEqual(documented().every);
  });

  it('the queries of the dashboard name only metrics and labels that there are', async () => {
    const families = await scrape();
    const dashboard = JSON.parse(readFileSync(new URL('../../docs/grafana/wadi.json', import.meta.url), 'utf8')) as { panels: { title: string; targets?: { expr: string }[] }[] };
    const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));
    expect(queries.length).toBeGreaterThan(10);
    for (const [title, expr] of queries) {
      const names = expr.match(/\b(wadi|process|nodejs)_[a-z_]+/g) ?? [];
      expect([title, names.length > 0]).toEqual([title, true]);
      for (const name of names) expect([title, name, families.has(name) || families.get(name.replace(/_(bucket|sum|count)$/, ''))?.type === 'histogram']).toEqual([title, name, true]);
      const labels = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => (list ?? '').split(',').map((label) => label.trim()));
      const known = new Set([...families.values()].flatMap(({ samples }) => samples.flatMap(({ labels: own }) => Object.keys(own))));
      for (const label of labels) expect([title, label, known.has(label)]).toEqual([title, label, true]);
    }
    expect(existsSync(new URL('../../docs/grafana/wadi.json', import.meta.url))).toBe(true);
  });

  it('writes a line of JSON for each request at level debug, with the id of the answer', async () => {
    const response = await fetch(`${server.url}/v1/topics/m`, { headers: { 'x-request-id': 'mine-1' } });
    expect(response.headers.get('x-request-id')).toBe('mine-1');
    await expect.poll(() => server.output()).toContain('"requestId":"mine-1"');
    const line = server
      .output()
      .split('\n')
      .find((one) => one.includes('mine-1')) as string;
    expect(JSON.parse(line)).toMatchObject({
      time: expect.any(String),
      level: 'debug',
      event: 'request',
      method: 'GET',
      path: '/v1/topics/m',
      operation: 'describeTopic',
      status: 200,
      durationMs: expect.any(Number),
    });
  });
});
