// The API as one application: its routes, what answers where there is none, and its OpenAPI document. No middleware
// stands between a request and its handler; what every answer needs is in answer.ts.

import { OpenAPIHono } from '@hono/zod-openapi';
import { WadiError } from '../record/errors.ts';
import { answer, answerJson } from './answer.ts';
import type { Api, RequestContext } from './api.ts';
import { preflightHeaders } from './cors.ts';
import { checkAccess, judge, type Need, type Verdict } from './gate.ts';
import { answerProblem } from './problems.ts';
import { errorsOf, problemResponses } from './route-errors.ts';
import { builtRoutes, openApiPath, routesToCome } from './routes.ts';

export type App = { fetch(request: Request, env: RequestContext['env']): Response | Promise<Response> };

export function createApp(api: Api): App {
  const app = new OpenAPIHono<{ Bindings: RequestContext['env'] }>();
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer', description: 'Asked for where the server was started with --tokens.' });
  for (const built of builtRoutes) {
    const { operation, route, need, handle } = built;
    app.openAPIRegistry.registerPath({ ...route, operationId: operation, security: securityOf(need), responses: { ...route.responses, ...problemResponses(errorsOf(built)) } });
    app.on(route.method, route.getRoutingPath(), (context) => {
      context.env.operation = operation;
      checkAccess(api, context, need, context.req.param('topic'));
      return handle(api, context);
    });
  }
  for (const { method, path, summary } of routesToCome) {
    app.on(method, honoPath(path), () => {
      throw new WadiError('not_implemented', `${summary}: ${method.toUpperCase()} ${path} is not built yet.`);
    });
  }
  let document: object | undefined;
  app.get(openApiPath, (context) => {
    document ??= app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'Wadi', version: api.version } });
    return answerJson(api, context, 200, document);
  });
  app.notFound((context) => nothingHere(api, context));
  app.onError((error, context) => answerProblem(api, context, error));
  return gated(api, app);
}

function gated(api: Api, app: App): App {
  const verdicts = new WeakMap<object, Verdict>();
  const stopped = new OpenAPIHono<{ Bindings: RequestContext['env'] }>();
  stopped.notFound((context) => {
    const verdict = verdicts.get(context.env) as Verdict;
    if ('refused' in verdict) return answerProblem(api, context, verdict.refused, verdict.refused.code === 'unauthorized' ? { 'WWW-Authenticate': 'Bearer' } : {});
    return answer(api, context, 204, 'text/plain', '', preflightHeaders);
  });
  return {
    fetch(request, env) {
      measure(api, env);
      const verdict = judge(api, env);
      if ('pass' in verdict) return app.fetch(request, env);
      verdicts.set(env, verdict);
      return stopped.fetch(request, env);
    },
  };
}

/** Counts the request when its answer is sent, or its connection is gone. */
function measure(api: Api, env: RequestContext['env']): void {
  const { requests, accessLog } = api;
  const { incoming, outgoing } = env;
  const startMs = performance.now();
  requests.inFlight++;
  // Told once.
  outgoing.on('close', () => {
    requests.inFlight--;
    const durationMs = performance.now() - startMs;
    // What Nginx writes of a client that went away.
    const status = outgoing.writableFinished ? outgoing.statusCode : 499;
    const operation = env.operation ?? 'none';
    requests.ended(operation, status, durationMs);
    if (accessLog?.takes(status) !== true) return;
    accessLog.write({ requestId: String(incoming.headers['x-request-id'] ?? ''), method: incoming.method ?? '', path: (incoming.url ?? '').slice(0, 200), operation, status, durationMs });
  });
}

/** A server without tokens takes all requests. */
const securityOf = (need: Need) => (need === 'free' ? [] : [{ token: [] }, {}]);

const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

const allRoutes = [...builtRoutes.map(({ route: { method, path } }) => ({ method, path })), ...routesToCome, { method: 'get', path: openApiPath }];

function nothingHere(api: Api, context: RequestContext): Response {
  const { method, path } = context.req;
  const methods = allRoutes.filter((route) => new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)).map((route) => route.method.toUpperCase());
  if (methods.length === 0) return answerProblem(api, context, new WadiError('not_found', `There is no ${method} ${path.slice(0, 200)}. GET ${openApiPath} lists all routes.`));
  const allow = (methods.includes('GET') ? [...methods, 'HEAD'] : methods).sort().join(', ');
  return answerProblem(api, context, new WadiError('method_not_allowed', `${path.slice(0, 200)} takes ${allow}.`), { Allow: allow });
}
