// The command against functions whose URLs ask for signed requests: one to read, one to write, and a check of signatures
// in front of both.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { memoryLedger } from '../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../src/adapters/memory/object-store.ts';
import { createFunction } from '../../src/functions/serve.ts';
import { silent } from '../../src/wiring/log.ts';
import { serveFunctions } from '../support/function-url.ts';
import type { LocalServer } from '../support/local-server.ts';
import { type Received, refusalOf } from '../support/verify-signature.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/key+of=a user', region: 'eu-central-1', service: 'lambda' };
const entry = fileURLToPath(new URL('../../src/cli/start.ts', import.meta.url));

let read: LocalServer;
let write: LocalServer;
/** What befalls a request on its way. */
let onTheWay: (request: Received) => Received;
let seen: string[];

beforeAll(async () => {
  const stores = { ledger: memoryLedger(), objects: memoryObjectStore(Date.now) };
  const guard = (where: string) => (request: Received) => {
    const arrived = onTheWay(request);
    seen.push(`${where} ${arrived.method} ${arrived.url.split('?')[0]}`);
    return refusalOf(arrived, keys);
  };
  const open = (role: 'produce' | 'fetch', otherUrl?: string) => createFunction({ role, stores, version: 'test', otherUrl, log: silent });
  const produce = open('produce');
  write = await serveFunctions({ produce, fetch: produce }, guard('write'));
  const fetch = open('fetch', write.url);
  read = await serveFunctions({ produce: fetch, fetch }, guard('read'));
});
afterAll(() => Promise.all([read.close(), write.close()]));
beforeEach(() => {
  onTheWay = (request) => request;
  seen = [];
});

type Run = { readonly code: number | null; readonly out: string; readonly err: string };

function wadi(args: readonly string[], input = '', env: Record<string, string> = {}): Promise<Run> {
  const child = spawn(process.execPath, [entry, ...args], {
    env: {
      PATH: process.env['PATH'],
      WADI_URL: read.url,
      WADI_AUTH: 'iam',
      AWS_REGION: keys.region,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...env,
    },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

describe('--auth iam', () => {
  it('every kind of request is signed, and goes to the URL of its function', async () => {
    const done: readonly (readonly [args: readonly string[], input?: string])[] = [
      [['topics', 'create', 'signed', '--partitions', '2']],
      [['topics', 'alter', 'signed', '--set', 'retention.ms=86400000']],
      [['produce', 'signed'], 'größe\n2 😀\n'],
      [['topics', 'describe', 'signed']],
      [['consume', 'signed', '--timestamp', '2020-01-01T00:00:00+01:00']],
    ];
    for (const [args, input] of done) expect([args, await wadi(args, input)]).toEqual([args, { code: 0, out: expect.any(String), err: expect.any(String) }]);
    expect((await wadi(['consume', 'signed'])).out.split('\n').sort()).toEqual(['', '2 😀', 'größe']);
    // As a server at work would: they have a session.
    expect((await wadi(['topics', 'list'], '', { AWS_SESSION_TOKEN: 'token/of+a=role' })).out).toContain('signed');
    expect((await wadi(['topics', 'delete', 'signed'])).code).toBe(0);
    for (const request of seen) expect(request).toMatch(/^(read GET|write (PUT|PATCH|POST|DELETE)) /);
  });

  const altered: readonly (readonly [what: string, args: readonly string[], alter: (request: Received) => Received])[] = [
    ['a byte of the body', ['produce', 'kept'], (request) => ({ ...request, body: request.body.length === 0 ? request.body : Buffer.from(request.body.toString().replace('paid', 'owed')) })],
    ['the topic', ['topics', 'describe', 'kept'], (request) => ({ ...request, url: request.url.replace('kept', 'lost') })],
    ['a parameter', ['consume', 'kept', '--limit', '1'], (request) => ({ ...request, url: request.url.replace(/limit=\d+/, 'limit=9') })],
    ['the method', ['topics', 'list'], (request) => ({ ...request, method: 'HEAD' })],
    ['the host', ['topics', 'list'], (request) => ({ ...request, headers: { ...request.headers, host: 'elsewhere.example' } })],
    ['the content type', ['topics', 'create', 'kept'], ({ headers, ...rest }) => ({ ...rest, headers: 'content-type' in headers ? { ...headers, 'content-type': 'text/plain' } : headers })],
    ['the time', ['topics', 'list'], (request) => ({ ...request, headers: { ...request.headers, 'x-amz-date': '20200101T000000Z' } })],
  ];
  it.each(altered)('%s altered on the way is refused', async (_, args, alter) => {
    expect((await wadi(['topics', 'create', 'kept'])).code).toBe(0);
    const before = await wadi(['consume', 'kept']);
    onTheWay = alter;
    expect(await wadi(args, 'paid\n')).toMatchObject({ code: 1, err: expect.stringContaining('HTTP 403') });
    onTheWay = (request) => request;
    expect(await wadi(['consume', 'kept'])).toEqual(before);
  });

  it('another key, another region and no signature at all are refused', async () => {
    expect(await wadi(['topics', 'list'], '', { AWS_SECRET_ACCESS_KEY: 'another' })).toMatchObject({ code: 1, err: expect.stringContaining('HTTP 403') });
    expect(await wadi(['topics', 'list'], '', { AWS_REGION: 'us-east-1' })).toMatchObject({ code: 1, err: expect.stringContaining('HTTP 403') });
    expect(await wadi(['topics', 'list'], '', { WADI_AUTH: 'token' })).toMatchObject({ code: 1, err: expect.stringMatching(/it is not signed.*--auth iam/) });
  });

  it('without credentials or a region it says what is missing', async () => {
    expect(await wadi(['topics', 'list'], '', { AWS_REGION: '', AWS_DEFAULT_REGION: '' })).toMatchObject({ code: 2, err: expect.stringContaining('set AWS_REGION') });
    expect(await wadi(['topics', 'list'], '', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', HOME: '/nowhere' })).toMatchObject({ code: 2, err: expect.stringContaining('credentials') });
  });
});
