// A client of Wadi's HTTP API on web standards alone (fetch, streams), so that it runs in browsers, too. Requests that
// left nothing behind, or leave the same however often they are sent, are sent again. Records are appended by a producer
// (producer.ts), which may send them again, too.

import { eventsOf } from './events.ts';
import { linesOf } from './lines.ts';
import { connectionFailed, Problem, problemOf } from './problem.ts';

export type ClientOptions = {
  /** Of the server, such as http://127.0.0.1:8080. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Answers all headers of a request, its signature with them. */
  readonly sign?: ((request: UnsignedRequest) => Promise<Readonly<Record<string, string>>>) | undefined;
  /** Attempts of a request that may be sent again (5). */
  readonly maxAttempts?: number;
  /** How records are parsed (JSON.parse). */
  readonly parse?: (text: string) => unknown;
};

export type UnsignedRequest = { readonly method: string; readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string };

export type TopicSettings = { readonly partitions?: number; readonly config?: Readonly<Record<string, unknown>> };
export type Topic = { readonly name: string; readonly topicId: string; readonly partitions: number; readonly config: Readonly<Record<string, unknown>>; readonly note?: string };
type PartitionDescription = { readonly partition: number; readonly startOffset: number; readonly endOffset: number; readonly bytes: number; readonly objects: number };
export type TopicDescription = Omit<Topic, 'partitions'> & { readonly partitions: readonly PartitionDescription[] };

export type RecordRead = {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly keyEncoding?: 'base64';
  readonly value: unknown;
  readonly valueEncoding?: 'text' | 'base64';
  readonly headers: readonly (readonly [unknown, unknown])[];
};

export type ReadOptions = {
  /** One partition; undefined: all. */
  readonly partition?: number | undefined;
  /** Query parameters of the API: from, offset, cursor, timestamp, limit, maxBytes, encoding. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly signal?: AbortSignal | undefined;
};

export type Client = ReturnType<typeof createClient>;

const firstDelayMs = 100;
const longestDelayMs = 5_000;
const maxAttempts = 5;

export function createClient({ url, token, sign, maxAttempts: attempts = maxAttempts, parse = JSON.parse }: ClientOptions) {
  const base = url.replace(/\/+$/, '');
  let write: Promise<string> | undefined;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };

  /** @throws Problem, ConnectionFailed, and the reason of an aborted signal */
  async function send(method: string, path: string, options: { headers?: Record<string, string>; body?: string; signal?: AbortSignal | undefined } = {}): Promise<Response> {
    const response = await request(method === 'GET' ? base : await writeBase(), method, path, options);
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async function request(at: string, method: string, path: string, { headers: more, body, signal }: Parameters<typeof send>[2] = {}): Promise<Response> {
    const unsigned: UnsignedRequest = { method, url: `${at}${path}`, headers: { ...headers, ...more }, ...(body === undefined ? {} : { body }) };
    const { url: whole, ...rest } = { ...unsigned, ...(sign === undefined ? {} : { headers: await sign(unsigned) }) };
    try {
      return await fetch(whole, { ...rest, ...(signal === undefined ? {} : { signal }) } as RequestInit);
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionFailed(at, error);
    }
  }

  /** Functions read at one address and write at another; the server tells both at each. */
  function writeBase(): Promise<string> {
    write ??= askWriteBase().catch((error: unknown) => {
      write = undefined;
      throw error;
    });
    return write;
  }

  async function askWriteBase(): Promise<string> {
    const response = await request(base, 'GET', '/v1', {});
    if (!response.ok) throw await problemOf(response);
    const { endpoints } = (await response.json()) as { readonly endpoints?: { readonly read: string; readonly write: string } };
    // One that is at one address is asked where it was found: it may not know how it looks from here.
    return endpoints === undefined || endpoints.read === endpoints.write ? base : endpoints.write.replace(/\/+$/, '');
  }

  /** A request that leaves the same however often it is sent. */
  async function ask<T>(method: string, path: string, json?: unknown): Promise<T> {
    const body = json === undefined ? {} : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
    return retried(async () => (await (await send(method, path, body)).json()) as T);
  }

  async function retried<T>(attempt: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        const again = error instanceof Problem ? error.retryable && error.sideEffects === 'none' : false;
        if (!again || failures + 1 >= attempts) throw error;
        await delay(failures, (error as Problem).retryAfterMs);
      }
    }
  }

  const topicPath = (topic: string): string => `/v1/topics/${encodeURIComponent(topic)}`;
  const recordsPath = (topic: string, partition: number | undefined): string => `${topicPath(topic)}${partition === undefined ? '' : `/partitions/${partition}`}/records`;

  function query(parameters: ReadOptions['query'] = {}): string {
    const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, String(value)]]));
    return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  }

  /** Records to the end that the log has now. @throws Problem (also where the answer ends with one), ConnectionFailed */
  async function* read(topic: string, { partition, query: parameters, signal }: ReadOptions = {}): AsyncGenerator<RecordRead> {
    const path = `${recordsPath(topic, partition)}${query(parameters)}`;
    const response = await retried(() => send('GET', path, { headers: { accept: 'application/x-ndjson' }, signal }));
    let ended = false;
    for await (const line of linesOf(bodyOf(response, base, signal))) {
      const parsed = parse(decoder.decode(line)) as RecordRead & { readonly error?: Record<string, unknown> };
      if (parsed.error !== undefined) throw new Problem(parsed.error);
      if (parsed.offset === undefined) ended = true;
      else yield parsed;
    }
    if (!ended) throw connectionFailed(base, new Error('the answer ended before its last line'));
  }

  /** Records as they come, for ever: a stream that breaks off is taken up where it ended. @throws Problem that is not to be waited out */
  async function* follow(topic: string, { partition, query: parameters, signal }: ReadOptions = {}): AsyncGenerator<RecordRead> {
    const path = `${recordsPath(topic, partition)}${query(parameters)}`;
    let last = '';
    for (let failures = 0; ; ) {
      try {
        const response = await send('GET', path, { headers: { accept: 'text/event-stream', ...(last === '' ? {} : { 'last-event-id': last }) }, signal });
        for await (const { name, data, id } of eventsOf(bodyOf(response, base, signal))) {
          failures = 0;
          if (name === 'problem') throw new Problem(JSON.parse(data) as Record<string, unknown>);
          if (data !== '') yield* (parse(data) as { records: RecordRead[] }).records;
          last = id;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof Problem && !error.retryable) throw error;
        // Nothing was ever read: there may be no server at all.
        if (last === '' && failures + 1 >= attempts) throw error;
        await delay(failures++, undefined);
      }
    }
  }

  return {
    url: base,
    about: () => ask<{ name: string; version: string; limits: Record<string, number> }>('GET', '/v1'),
    topics: {
      create: (name: string, settings: TopicSettings = {}) => ask<Topic>('PUT', topicPath(name), settings),
      describe: (name: string) => ask<TopicDescription>('GET', topicPath(name)),
      alter: (name: string, settings: TopicSettings) => ask<Topic>('PATCH', topicPath(name), settings),
      delete: (name: string) => ask<{ name: string; topicId: string }>('DELETE', topicPath(name)),
      async *list(): AsyncGenerator<Topic> {
        for (let after: string | undefined; ; ) {
          const page: { topics: Topic[]; next?: string } = await ask('GET', `/v1/topics${query({ after, limit: 1000 })}`);
          yield* page.topics;
          if (page.next === undefined) return;
          after = page.next;
        }
      },
    },
    send,
    read,
    follow,
    /** A new id, or the next epoch of one. */
    takeProducer: (taken: { id?: number; epoch?: number } = {}) => ask<{ id: number; epoch: number }>('POST', '/v1/producers', taken),
  };
}

const decoder = new TextDecoder();

async function* bodyOf({ body }: Response, url: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  try {
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return;
      yield piece.value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionFailed(url, error);
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}

/** Longer each time, and never the same for all clients. */
function delay(failures: number, atLeastMs: number | undefined): Promise<void> {
  const span = Math.min(longestDelayMs, firstDelayMs * 2 ** failures);
  return new Promise((resolve) => setTimeout(resolve, Math.max(atLeastMs ?? 0, span * (0.5 + Math.random() / 2))));
}
