// Requests as functions are given them (payload format 2.0, of function URLs and of HTTP APIs), made into those that the
// application takes, and its answers into what Lambda sends on. The body is decoded once, and bytes of an answer are
// handed on as they are.

import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { RequestContext } from '../http/api.ts';
import { LightHeaders } from './light-response.ts';

/** What is read of an event; "Invoking Lambda function URLs" in the Lambda Developer Guide has the rest. */
export type HttpEvent = {
  readonly rawPath: string;
  readonly rawQueryString: string;
  /** In lower case; those that came more than once are joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: { readonly domainName?: string; readonly requestId?: string; readonly http: { readonly method: string } };
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
};

type Env = RequestContext['env'];

/** Where an answer goes: its head once, then its bytes. */
export type AnswerSink = {
  head(status: number, headers: Readonly<Record<string, string>>): void;
  write(bytes: Buffer, taken: (error?: Error | null) => void): void;
  end(ended: (error?: Error | null) => void): void;
};

/** What handlers use of a `ServerResponse`. */
class Outgoing extends Writable {
  statusCode = 200;
  headersSent = false;
  readonly #sink: AnswerSink;

  constructor(sink: AnswerSink) {
    super();
    this.#sink = sink;
  }

  writeHead(status: number, headers: Readonly<Record<string, string>>): this {
    this.statusCode = status;
    this.headersSent = true;
    // The connection is Lambda's own affair.
    const { Connection, connection, ...rest } = headers;
    this.#sink.head(status, rest);
    return this;
  }

  /** A function ends by its deadline. */
  setTimeout(): this {
    return this;
  }

  override _write(chunk: Buffer, _: BufferEncoding, taken: (error?: Error | null) => void): void {
    this.#sink.write(chunk, taken);
  }

  override _final(ended: (error?: Error | null) => void): void {
    this.#sink.end(ended);
  }
}

/** The request and the answer of an event, as Node's server would make them. */
export function openExchange({ rawPath, rawQueryString, headers, requestContext, body, isBase64Encoded }: HttpEvent, sink: AnswerSink): { readonly env: Env; readonly outgoing: Outgoing } {
  const incoming = new IncomingMessage(new Socket());
  incoming.method = requestContext.http.method;
  incoming.url = rawQueryString === '' ? rawPath : `${rawPath}?${rawQueryString}`;
  const bytes = body === undefined ? undefined : Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  incoming.headers = { ...headers, host: headers['host'] ?? requestContext.domainName ?? 'localhost', ...(bytes === undefined ? {} : { 'content-length': String(bytes.length) }) };
  if (bytes !== undefined && bytes.length > 0) incoming.push(bytes);
  incoming.push(null);
  incoming.complete = true;
  const outgoing = new Outgoing(sink);
  return { env: { incoming, outgoing: outgoing as unknown as ServerResponse }, outgoing };
}

/** Nobody is told when a client of a function goes away. */
const never = new AbortController().signal;

/** What Hono and the handlers use of a `Request`: to make a true one takes more than all else here. */
export function requestOf({ incoming }: Env): Request {
  const { method = 'GET', headers, url = '/' } = incoming;
  return { method, url: `https://${headers.host}${url}`, headers: new LightHeaders(headers as Record<string, string>), signal: never } as unknown as Request;
}
