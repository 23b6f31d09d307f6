// All routes of the API: those that are built, and those that are documented and still to come. A test holds this list
// against what the application really answers and against its OpenAPI document.

import type { RouteConfig } from '@hono/zod-openapi';
import type { Handler } from './api.ts';
import * as fetch from './fetch.ts';
import * as produce from './produce.ts';
import * as service from './service.ts';
import * as topics from './topics.ts';

export type BuiltRoute = { readonly route: RouteConfig & { getRoutingPath(): string }; readonly handle: Handler };

export const builtRoutes: readonly BuiltRoute[] = [
  { route: service.aboutRoute, handle: service.aboutService },
  { route: service.healthRoute, handle: service.health },
  { route: service.readyRoute, handle: service.ready },
  { route: topics.listRoute, handle: topics.list },
  { route: topics.createRouteOf, handle: topics.create },
  { route: topics.describeRoute, handle: topics.describeOne },
  { route: topics.alterRoute, handle: topics.alter },
  { route: topics.deleteRoute, handle: topics.deleteOne },
  { route: produce.produceRoute, handle: produce.produce },
  { route: produce.producePartitionRoute, handle: produce.producePartition },
  { route: fetch.fetchPartitionRoute, handle: fetch.fetchPartition },
  { route: fetch.fetchTopicRoute, handle: fetch.fetchAll },
  { route: fetch.offsetsRoute, handle: fetch.offsetsOf },
];

/** Made of the routes above, so it is none of them itself. */
export const openApiPath = '/v1/openapi.json';

export type RouteToCome = { readonly method: 'get' | 'post' | 'delete'; readonly path: string; readonly summary: string };

const toCome = (method: RouteToCome['method'], path: string, summary: string): RouteToCome => ({ method, path, summary });

export const routesToCome: readonly RouteToCome[] = [
  toCome('get', '/metrics', 'Metrics'),
  toCome('get', '/v1/docs', 'The reference as a page'),
  toCome('delete', '/v1/topics/{topic}/partitions/{partition}/records', 'Move the start of a partition'),
  toCome('post', '/v1/producers', 'Ids for idempotent producers'),
  toCome('post', '/v1/transactions', 'Transactions'),
  toCome('get', '/v1/groups', 'List groups'),
  toCome('get', '/v1/groups/{group}', 'Describe a group'),
  toCome('delete', '/v1/groups/{group}', 'Delete a group'),
  toCome('post', '/v1/groups/{group}/members', 'Join a group'),
  toCome('delete', '/v1/groups/{group}/members/{member}', 'Leave a group'),
  toCome('post', '/v1/groups/{group}/members/{member}/poll', 'Poll as a member of a group'),
  toCome('post', '/v1/groups/{group}/members/{member}/heartbeat', 'Heartbeat of a member'),
  toCome('post', '/v1/groups/{group}/offsets', 'Commit offsets of a group'),
  toCome('get', '/v1/groups/{group}/offsets', 'Committed offsets of a group'),
  toCome('post', '/v1/groups/{group}/offsets/reset', 'Reset offsets of a group'),
];
