// What every handler is given: the broker, and what the server around it lends to the API.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { Grant, Tokens } from '../access/tokens.ts';
import type { Broker } from '../broker/broker.ts';
import type { AnswerBudget } from './answer-budget.ts';
import type { BodyBudget } from './read-body.ts';
import type { RequestMeter } from './request-meter.ts';

export type Api = {
  readonly broker: Broker;
  /** Version of the software, for `GET /v1`. */
  readonly version: string;
  /** Aborted when the server is about to stop: waits end, connections close after their answer. */
  readonly stopping: AbortSignal;
  /** A request left work behind (broker/run-work.ts); to be run soon, not within the request. */
  readonly onWorkLeft: () => void;
  /** Whether the stores take writes. */
  readonly ready: () => boolean;
  /** Only requests that name this machine as their host are taken (hosts.ts). */
  readonly localOnly: boolean;
  /** Who may do what, as of now; undefined: everybody everything. */
  readonly tokens: () => Tokens | undefined;
  /** Origins whose pages may use the API; `*`: all. */
  readonly corsOrigins: ReadonlySet<string>;
  readonly bodies: BodyBudget;
  readonly answers: AnswerBudget;
  readonly requests: RequestMeter;
  /** The text of `/metrics`. */
  readonly metrics: () => Promise<string>;
  /** Where requests are written that were answered, or whose connection ended first. */
  readonly accessLog: AccessLog | undefined;
  /** The longest that a request may wait for records; a longer wait is cut to this. */
  readonly maxWaitMs: number;
  /** Where requests go that write, and those that read. @param url as the client reached us */
  readonly endpointsAt: (url: string) => { readonly write: string; readonly read: string };
  /** Ids of requests whose clients gave none. */
  readonly nextRequestId: () => string;
};

export type AccessLog = {
  /** Asked first: most requests are not written. */
  takes(status: number): boolean;
  write(request: AnsweredRequest): void;
};

type AnsweredRequest = { readonly requestId: string; readonly method: string; readonly path: string; readonly operation: string; readonly status: number; readonly durationMs: number };

export type RequestContext = Context<{
  Bindings: {
    readonly incoming: IncomingMessage;
    readonly outgoing: ServerResponse /** Of the token that came with the request (gate.ts). */;
    grant?: Grant;
    /** Of the route that was found. */
    operation?: string;
  };
}>;

export type Handler = (api: Api, context: RequestContext) => Response | Promise<Response>;
