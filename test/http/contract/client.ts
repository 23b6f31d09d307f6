// A client of the contract tests: one request, its whole answer, and the few requests that most tests begin with.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { between, type Home, homes, type WhatStandsBetween } from './homes.ts';

export type Sent = { readonly json?: unknown; readonly body?: string | Uint8Array | ReadableStream<Uint8Array>; readonly headers?: Readonly<Record<string, string>> };

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged field by field
  readonly json: any;
};

export type Client = ReturnType<typeof clientOf>;

/** Where functions are deployed, files of tests share them. */
const own = randomBytes(4).toString('hex');
let topics = 0;

export function clientOf(home: () => Home, { lambda = false, mendsText = false, localstack = false }: WhatStandsBetween = {}) {
  async function send(method: string, path: string, { json, body, headers = {} }: Sent = {}): Promise<Reply> {
    const content = json === undefined ? body : JSON.stringify(json);
    const type: Record<string, string> = json === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(`${home().url}${path}`, {
      method,
      headers: { ...type, ...headers },
      ...(content === undefined ? {} : { body: content, duplex: 'half' }),
    } as RequestInit);
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = bytes.toString();
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      text,
      get json() {
        return JSON.parse(text);
      },
    };
  }
  return {
    send,
    home,
    lambda,
    mendsText,
    localstack,
    get: (path: string, headers?: Record<string, string>) => send('GET', path, headers === undefined ? {} : { headers }),
    /** Answers the topic's path. */
    async topic(partitions = 1, config?: object): Promise<string> {
      const path = `/v1/topics/topic-${own}-${topics++}`;
      expect((await send('PUT', path, { json: { partitions, config } })).status).toBe(201);
      return path;
    },
    /** Values into one partition; answers the base offset. */
    async append(topic: string, values: readonly unknown[], partition = 0): Promise<number> {
      const reply = await send('POST', `${topic}/partitions/${partition}/records`, { json: { records: values.map((value) => ({ value })) } });
      expect(reply.text).toContain('baseOffset');
      return reply.json.results[0].baseOffset;
    },
    /** Sends a JSON body as it stands. */
    raw: (path: string, body: string, headers: Record<string, string> = {}) => send('POST', path, { body, headers: { 'content-type': 'application/json', ...headers } }),
  };
}

/** Runs the tests against every home. */
export function contract(name: string, tests: (client: Client) => void): void {
  describe.each(Object.keys(homes))(`${name} (%s)`, (kind) => {
    let home: Home;
    beforeAll(async () => {
      home = await (homes[kind] as () => Promise<Home>)();
    });
    afterAll(() => home.close());
    tests(clientOf(() => home, between[kind]));
  });
}

/** The reply is the problem with this code, in the form of RFC 9457. */
export function expectProblem(reply: Reply, status: number, code: string, facts: object = {}): void {
  expect(reply.text).toContain(`"code":"${code}"`);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.json).toMatchObject({ status, code, type: `/errors/${code}`, sideEffects: 'none', ...facts });
  expect(reply.status).toBe(status);
}
