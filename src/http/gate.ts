// What is decided of a request before anybody looks where it goes: whether it names this machine, where that is asked
// for; whether it is a browser's question about other origins; and who sends it. A request without a token that is
// known learns nothing here, not even which routes there are; only the answers about health are free.

import { type Access, type Grant, isToken, mayUse } from '../access/tokens.ts';
import { WadiError } from '../record/errors.ts';
import type { Api, RequestContext } from './api.ts';
import { isAllowedOrigin } from './cors.ts';
import { hostNotAllowed, isThisMachine } from './hosts.ts';

/** `any`: whoever has a token; `free`: everybody. */
export type Need = Access | 'any' | 'free';

type Env = RequestContext['env'];

export type Verdict = { readonly pass: true } | { readonly preflight: true } | { readonly refused: WadiError };

const freePaths = new Set(['/healthz', '/readyz']);

/** Writes down who sends the request, in `env.grant`. */
export function judge(api: Api, env: Env): Verdict {
  const { headers, method, url = '' } = env.incoming;
  if (api.localOnly && !isThisMachine(headers.host)) return { refused: hostNotAllowed() };
  if (method === 'OPTIONS' && headers['access-control-request-method'] !== undefined && isAllowedOrigin(api, headers.origin)) return { preflight: true };
  const tokens = api.tokens();
  if (tokens === undefined) return { pass: true };
  const path = url.split('?', 1)[0] ?? '';
  if (freePaths.has(path) && (method === 'GET' || method === 'HEAD')) return { pass: true };
  const token = bearerOf(headers.authorization);
  const grant = token === undefined ? undefined : tokens.grantOf(token);
  if (grant === undefined) return { refused: unauthorized(headers.authorization === undefined) };
  env.grant = grant;
  return { pass: true };
}

/** @throws WadiError forbidden. Without tokens everybody may do everything. */
export function checkAccess({ tokens }: Api, { env: { grant } }: RequestContext, need: Need, topic: string | undefined): void {
  if (need === 'free' || need === 'any' || tokens() === undefined) return;
  // A token taken away while the request was on its way.
  if (grant === undefined) throw unauthorized(false);
  if (!grant.access.includes(need)) throw new WadiError('forbidden', `The token "${grant.name}" has no ${need} access.`, { access: need });
  if (topic !== undefined && !mayUse(grant, topic)) throw new WadiError('forbidden', `The token "${grant.name}" is not for this topic.`, { access: need });
}

export const maySee = (grant: Grant | undefined, topic: string): boolean => grant === undefined || mayUse(grant, topic);

/** What does not have the form of a token is none, and is not hashed. */
function bearerOf(authorization: string | undefined): string | undefined {
  const token = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
  return token !== undefined && isToken(token) ? token : undefined;
}

const unauthorized = (none: boolean): WadiError =>
  new WadiError('unauthorized', none ? 'Send a token: Authorization: Bearer wadi_…' : 'The Authorization header holds no token that this server knows. Send: Authorization: Bearer wadi_…');
