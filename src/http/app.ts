// The API as one application: its routes, what answers where there is none, and its OpenAPI document. No middleware
// stands between a request and its handler; what every answer needs is in answer.ts.

import { OpenAPIHono } from '@hono/zod-openapi';
import { WadiError } from '../record/errors.ts';
import { answerJson } from './answer.ts';
import type { Api, RequestContext } from './api.ts';
import { hostNotAllowed, isThisMachine } from './hosts.ts';
import { answerProblem } from './problems.ts';
import { builtRoutes, openApiPath, routesToCome } from './routes.ts';

export type App = { fetch(request: Request, env: RequestContext['env']): Response | Promise<Response> };

export function createApp(api: Api): App {
  const app = new OpenAPIHono<{ Bindings: RequestContext['env'] }>();
  for (const { route, handle } of builtRoutes) {
    app.openAPIRegistry.registerPath(route);
    app.on(route.method, route.getRoutingPath(), (context) => handle(api, context));
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
  return api.localOnly ? onlyLocal(api, app) : app;
}

function onlyLocal(api: Api, app: App): App {
  const refusing = new OpenAPIHono<{ Bindings: RequestContext['env'] }>();
  refusing.notFound((context) => answerProblem(api, context, hostNotAllowed()));
  return { fetch: (request, env) => (isThisMachine(env.incoming.headers.host) ? app : refusing).fetch(request, env) };
}

const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

const allRoutes = [...builtRoutes.map(({ route: { method, path } }) => ({ method, path })), ...routesToCome, { method: 'get', path: openApiPath }];

function nothingHere(api: Api, context: RequestContext): Response {
  const { method, path } = context.req;
  const methods = allRoutes.filter((route) => new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)).map((route) => route.method.toUpperCase());
  if (methods.length === 0) return answerProblem(api, context, new WadiError('not_found', `There is no ${method} ${path.slice(0, 200)}. GET ${openApiPath} lists all routes.`));
  const allow = (methods.includes('GET') ? [...methods, 'HEAD'] : methods).sort().join(', ');
  return answerProblem(api, context, new WadiError('method_not_allowed', `${path.slice(0, 200)} takes ${allow}.`), { Allow: allow });
}
