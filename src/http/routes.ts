// All routes of the API: those that are built, and those that are documented and still to come. A test holds this list
// against what the application really answers and against its OpenAPI document.

import type { RouteConfig } from '@hono/zod-openapi';
import type { ErrorCode } from '../record/errors.ts';
import type { Handler } from './api.ts';
import * as docs from './docs-page.ts';
import * as fetch from './fetch.ts';
import type { Need } from './gate.ts';
import * as metrics from './metrics.ts';
import * as produce from './produce.ts';
import * as producers from './producers.ts';
import { ofBatches, ofBody, ofFetch, ofReading, ofRecords, ofTopic, ofWriting } from './route-errors.ts';
import * as service from './service.ts';
import * as topics from './topics.ts';

export type BuiltRoute = {
  /** In metrics, logs and the OpenAPI document. */
  readonly operation: string;
  readonly route: RouteConfig & { getRoutingPath(): string } /** What a token must give, for the topic in the path if there is one. */;
  readonly need: Need;
  /** Beside those of every request, and of access. */
  readonly errors?: readonly ErrorCode[];
  readonly handle: Handler;
};

export const builtRoutes: readonly BuiltRoute[] = [
  { operation: 'about', route: service.aboutRoute, need: 'any', handle: service.aboutService },
  { operation: 'health', route: service.healthRoute, need: 'free', handle: service.health },
  { operation: 'ready', route: service.readyRoute, need: 'free', errors: ['shutting_down', 'storage_unavailable'], handle: service.ready },
  { operation: 'docs', route: docs.docsRoute, need: 'any', handle: docs.docs },
  { operation: 'docsAsset', route: docs.docsAssetRoute, need: 'any', errors: ['not_found'], handle: docs.docsAsset },
  { operation: 'metrics', route: metrics.metricsRoute, need: 'read', handle: metrics.metrics },
  { operation: 'listTopics', route: topics.listRoute, need: 'read', errors: ofReading, handle: topics.list },
  {
    operation: 'createTopic',
    route: topics.createRouteOf,
    need: 'admin',
    errors: [...ofBody, ...ofWriting, 'invalid_topic_name', 'invalid_partitions', 'invalid_config', 'topic_exists', 'topic_changed'],
    handle: topics.create,
  },
  { operation: 'describeTopic', route: topics.describeRoute, need: 'see', errors: [...ofReading, ...ofTopic], handle: topics.describeOne },
  {
    operation: 'alterTopic',
    route: topics.alterRoute,
    need: 'admin',
    errors: [...ofBody, ...ofWriting, ...ofTopic, 'invalid_partitions', 'invalid_config', 'topic_changed'],
    handle: topics.alter,
  },
  { operation: 'deleteTopic', route: topics.deleteRoute, need: 'admin', errors: [...ofWriting, ...ofTopic], handle: topics.deleteOne },
  { operation: 'append', route: produce.produceRoute, need: 'write', errors: ofRecords, handle: produce.produce },
  {
    operation: 'appendToPartition',
    route: produce.producePartitionRoute,
    need: 'write',
    errors: [...ofRecords, ...ofBatches, 'offset_mismatch', 'out_of_order_sequence', 'producer_fenced'],
    handle: produce.producePartition,
  },
  { operation: 'takeProducer', route: producers.producersRoute, need: 'write', errors: ofBody, handle: producers.takeProducer },
  { operation: 'fetchPartition', route: fetch.fetchPartitionRoute, need: 'read', errors: [...ofFetch, 'partition_not_found', 'offset_out_of_range'], handle: fetch.fetchPartition },
  { operation: 'fetchTopic', route: fetch.fetchTopicRoute, need: 'read', errors: [...ofFetch, 'invalid_cursor', 'offset_out_of_range'], handle: fetch.fetchAll },
  { operation: 'findOffsets', route: fetch.offsetsRoute, need: 'read', errors: [...ofReading, ...ofTopic], handle: fetch.offsetsOf },
];

/** Made of the routes above, so it is none of them itself. */
export const openApiPath = '/v1/openapi.json';

export type RouteToCome = { readonly method: 'get' | 'post' | 'delete'; readonly path: string; readonly summary: string };

const toCome = (method: RouteToCome['method'], path: string, summary: string): RouteToCome => ({ method, path, summary });

export const routesToCome: readonly RouteToCome[] = [
  toCome('delete', '/v1/topics/{topic}/partitions/{partition}/records', 'Move the start of a partition'),
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
