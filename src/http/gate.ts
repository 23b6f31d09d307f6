// What is decided of a request before anybody looks where it goes: whether it names this machine, where that is asked
// for; whether it is a browser's question about other origins; and who sends it. A request without a token that is
// known learns nothing here, not even which routes there are; only the answers about health are free.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Access, type Grant, isToken, mayUse, type Tokens } from '../access/tokens.ts';
import { WadiError } from '../record/errors.ts';
import type { Api, RequestContext } from './api.ts';
import { isAllowedOrigin } from './cors.ts';
import { hostNotAllowed, isThisMachine } from './hosts.ts';

/** `see`: whoever may do anything with the topic, as who writes to it must know its partitions; `any`: whoever has a token; `free`: everybody. */
export type Need = Access | 'see' | 'any' | 'free';

type Env = RequestContext['env'];

export type Verdict = { readonly pass: true } | { readonly preflight: true } | { readonly refused: WadiError };

const pass: Verdict = { pass: true };

const freePaths = new Set(['/healthz', '/readyz']);

/** Writes down who sends the request, in `env.grant`. */
export function judge(api: Api, env: Env): Verdict {
  const { headers, method, url = '' } = env.incoming;
  if (api.localOnly && !isThisMachine(headers.host)) return { refused: hostNotAllowed() };
  if (method === 'OPTIONS' && headers['access-control-request-method'] !== undefined && isAllowedOrigin(api, headers.origin)) return { preflight: true };
  const tokens = api.tokens();
  if (tokens === undefined) return pass;
  const grant = grantOf(tokens, env.incoming);
  if (grant !== undefined) env.grant = grant;
  else if (!isFree(method, url)) return { refused: unauthorized(headers.authorization === undefined) };
  return pass;
}

const isFree = (method: string | undefined, url: string): boolean => (method === 'GET' || method === 'HEAD') && freePaths.has(url.split('?', 1)[0] ?? '');

/** @throws WadiError forbidden. Without tokens everybody may do everything. */
export function checkAccess({ tokens }: Api, { env: { grant } }: RequestContext, need: Need, topic: string | undefined): void {
  if (need === 'free' || need === 'any' || tokens() === undefined) return;
  // A token taken away while the request was on its way.
  if (grant === undefined) throw unauthorized(false);
  if (need !== 'see' && !grant.access.includes(need)) throw new WadiError('forbidden', `The token "${grant.name}" has no ${need} access.`, { access: need });
  if (topic !== undefined && !mayUse(grant, topic)) throw new WadiError('forbidden', `The token "${grant.name}" is not for this topic.`, need === 'see' ? {} : { access: need });
}

export const maySee = (grant: Grant | undefined, topic: string): boolean => grant === undefined || mayUse(grant, topic);

/** Of each connection: the last header that held a token known here. To hash one takes 2 of the 100 microseconds of a small request. */
const accepted = new WeakMap<Socket, { readonly tokens: Tokens; readonly authorization: string; readonly grant: Grant }>();

function grantOf(tokens: Tokens, { headers: { authorization }, socket }: IncomingMessage): Grant | undefined {
  if (authorization === undefined) return undefined;
  const last = accepted.get(socket);
  if (last !== undefined && last.tokens === tokens && isSame(last.authorization, authorization)) return last.grant;
  const token = bearerOf(authorization);
  const grant = token === undefined ? undefined : tokens.grantOf(token);
  if (grant !== undefined) accepted.set(socket, { tokens, authorization, grant });
  return grant;
}

/** Takes as long wherever two texts of one length differ: a proxy may send the requests of several clients over one connection. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let i = 0; i < one.length; i++) difference |= one.charCodeAt(i) ^ other.charCodeAt(i);
  return difference === 0;
}

/** What does not have the form of a token is none, and is not hashed. */
function bearerOf(authorization: string): string | undefined {
  const token = /^Bearer +([^ ]+)$/i.exec(authorization)?.[1];
  return token !== undefined && isToken(token) ? token : undefined;
}

const unauthorized = (none: boolean): WadiError =>
  new WadiError('unauthorized', none ? 'Send a token: Authorization: Bearer wadi_…' : 'The Authorization header holds no token that this server knows. Send: Authorization: Bearer wadi_…');
