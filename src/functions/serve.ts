// The application as a function: it answers before Lambda ends the function, and what a request leaves to be done behind
// its answer, such as a rotation, is done before the function stands still.

import { once } from 'node:events';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Broker } from '../broker/broker.ts';
import { anyError } from '../broker/failures.ts';
import { problemType } from '../http/answer.ts';
import type { Api } from '../http/api.ts';
import { type App, createApp } from '../http/app.ts';
import { createApi } from '../http/create-api.ts';
import { problemOf } from '../http/problems.ts';
import { createBodyBudget } from '../http/read-body.ts';
import { WadiError } from '../record/errors.ts';
import type { CloudStores } from '../wiring/cloud.ts';
import { openForFunction } from '../wiring/functions.ts';
import type { Log } from '../wiring/log.ts';
import { type AnswerSink, type HttpEvent, openExchange, requestOf } from './event.ts';

/** Of the context that Lambda gives a handler. */
export type Invocation = { getRemainingTimeInMillis(): number };

export type FunctionOptions = {
  /** `produce` takes what is not a GET, `fetch` takes GETs and writes nothing. */
  readonly role: 'produce' | 'fetch';
  readonly stores: Pick<CloudStores, 'ledger' | 'objects'>;
  readonly version: string;
  /** Of the function of the other role, where it is known. */
  readonly otherUrl?: string | undefined;
  readonly log: Log;
};

/** Answers an event, and resolves when nothing is left to be done. */
export type ServeEvent = (event: HttpEvent, sink: AnswerSink, invocation: Invocation) => Promise<void>;

/** Waits, streams and appends end so long before the function does, so that they are answered. */
const marginMs = 1_000;
/** A wait costs as much as work does: beyond this a client is better off asking again. */
const maxWaitMs = 1_000;

/** Lambda takes 6 MiB for all of a request, with what is no text in base64, and refuses more itself. */
const maxBodyBytes = 4_500_000;

export function createFunction({ role, stores, version, otherUrl, log }: FunctionOptions): ServeEvent {
  let stopping = new AbortController();
  let endMs = Number.POSITIVE_INFINITY;
  let opening: Promise<{ readonly broker: Broker; readonly app: App }> | undefined;

  /** What failed is tried again by the next request. */
  function open() {
    opening ??= openOnce().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  async function openOnce() {
    const broker = await openForFunction(stores, { readsOnly: role === 'fetch', appendMsLeft: () => endMs - Date.now() }, log);
    const given = { broker, version, stopping: stopping.signal, onWorkLeft: () => {}, ready: () => true, localOnly: false, metrics: async () => noMetrics };
    const api: Api = {
      ...createApi(given),
      maxWaitMs,
      bodies: createBodyBudget(maxBodyBytes),
      endpointsAt: (url) => (role === 'fetch' ? { write: otherUrl ?? url, read: url } : { write: url, read: otherUrl ?? url }),
      get stopping() {
        return stopping.signal;
      },
    };
    return { broker, app: createApp(api) };
  }

  return async (event, sink, invocation) => {
    const leftMs = invocation.getRemainingTimeInMillis() - marginMs;
    endMs = Date.now() + leftMs;
    stopping = new AbortController();
    const { signal } = stopping;
    const timer = setTimeout(() => stopping.abort(), leftMs);
    try {
      await answer(event, sink);
      const rest = opening === undefined ? undefined : (await opening).broker.background.idle();
      if (rest !== undefined && !signal.aborted) await Promise.race([rest, once(signal, 'abort')]);
    } finally {
      clearTimeout(timer);
    }
  };

  async function answer(event: HttpEvent, sink: AnswerSink): Promise<void> {
    const { env, outgoing } = openExchange(event, sink);
    const closed = once(outgoing, 'close');
    // It may fail while the application is still at work; it is told below.
    closed.catch(() => {});
    const response = notHere(event.rawPath) ?? misdirected(role, otherUrl, event.requestContext.http.method) ?? (await open().then(({ app }) => app.fetch(requestOf(env), env), cannotOpen));
    if (response !== RESPONSE_ALREADY_SENT) {
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      const body = Buffer.from(await response.arrayBuffer());
      if (body.length > 0) outgoing.write(body);
      outgoing.end();
    }
    await closed;
  }
}

const noMetrics = '# Functions tell what they do to CloudWatch, not here.\n';

function misdirected(role: FunctionOptions['role'], otherUrl: string | undefined, method: string): Response | undefined {
  const reads = method === 'GET' || method === 'HEAD';
  if (method === 'OPTIONS' || reads === (role === 'fetch')) return undefined;
  const where = `${reads ? 'GET goes to the read endpoint' : 'What is not a GET goes to the write endpoint'}${otherUrl === undefined ? '' : `, ${otherUrl}`}`;
  return problemAnswer(new WadiError('method_not_allowed', `${where} (GET /v1 there lists both).`), { Allow: reads ? 'PUT, POST, PATCH, DELETE, OPTIONS' : 'GET, HEAD, OPTIONS' });
}

/** Its files would be more than all else in a function, and a page in a browser signs no requests. */
function notHere(path: string): Response | undefined {
  if (path !== '/v1/docs' && !path.startsWith('/v1/docs/')) return undefined;
  return problemAnswer(new WadiError('not_found', 'Functions do not serve the reference page; a server does (npm start). The document is at /v1/openapi.json.'));
}

const cannotOpen = (error: unknown): Response => problemAnswer(anyError(error));

function problemAnswer(error: WadiError, headers: Readonly<Record<string, string>> = {}): Response {
  const problem = problemOf(error);
  return new Response(JSON.stringify(problem), { status: problem.status, headers: { 'Content-Type': problemType, ...headers } });
}
