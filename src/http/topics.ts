// Topics: create, list, describe, alter, delete.

import { createRoute, z } from '@hono/zod-openapi';
import { alterTopic } from '../broker/alter-topic.ts';
import { createTopic } from '../broker/create-topic.ts';
import { deleteTopic } from '../broker/delete-topic.ts';
import { describeTopic, listTopics } from '../broker/describe-topic.ts';
import type { Topic } from '../log/topic.ts';
import { limits } from '../record/limits.ts';
import { answerJson } from './answer.ts';
import type { Handler } from './api.ts';
import { readControlBody } from './control-body.ts';
import { maySee } from './gate.ts';
import { integer, readQuery, text, topicOf } from './query.ts';
import { withBody } from './read-body.ts';
import { config, partitionCount, partitionDescription, responses, topicDescription, topicPath } from './schemas.ts';

const settings = z.strictObject({ partitions: partitionCount.optional(), config: config.optional() });
const settingsBody = { content: { 'application/json': { schema: settings } } };
const noQuery = z.strictObject({});

const describe = ({ name, id, partitions, config }: Topic) => ({ name, topicId: id, partitions, config });

const created = responses({ 201: ['The topic was made.', topicDescription], 200: ['The topic stands with the same settings.', topicDescription] });
export const createRouteOf = createRoute({
  method: 'put',
  path: '/v1/topics/{topic}',
  summary: 'Create a topic',
  request: { params: topicPath, query: noQuery, body: settingsBody },
  responses: created,
});

export const create: Handler = (api, context) =>
  withBody(api, context, async (bytes) => {
    readQuery(context, noQuery);
    const { created, topic } = await createTopic(api.broker, { name: topicOf(context), ...readControlBody(context, bytes, settings) });
    return answerJson(api, context, created ? 201 : 200, describe(topic));
  });

const page = z.strictObject({
  after: text('after', 'Topics whose names sort after this one.', limits.maxTopicNameLength).optional(),
  limit: integer('limit', 'At most so many.', { min: 1, max: limits.maxTopicsPage }).optional(),
});
const listed = responses({
  200: [
    'Topics in order of name, without those that the token is not for; `next`, where there are more, is to be given as `after`.',
    z.object({ topics: z.array(topicDescription), next: z.string().optional() }),
  ],
});
export const listRoute = createRoute({ method: 'get', path: '/v1/topics', summary: 'List topics', request: { query: page }, responses: listed });

export const list: Handler = async (api, context) => {
  const { after, limit = limits.defaultTopicsPage } = readQuery(context, page);
  const { topics, next } = await listTopics(api.broker, { after, limit });
  const { grant } = context.env;
  return answerJson(api, context, 200, { topics: topics.filter(({ name }) => maySee(grant, name)).map(describe), next });
};

const described = responses({ 200: ['The topic, with what each partition holds.', z.object({ ...topicDescription.shape, partitions: z.array(partitionDescription) })] });
export const describeRoute = createRoute({ method: 'get', path: '/v1/topics/{topic}', summary: 'Describe a topic', request: { params: topicPath, query: noQuery }, responses: described });

export const describeOne: Handler = async (api, context) => {
  readQuery(context, noQuery);
  const { topic, partitions } = await describeTopic(api.broker, topicOf(context));
  return answerJson(api, context, 200, { ...describe(topic), partitions });
};

const altered = responses({ 200: ['The topic as it stands now.', topicDescription.extend({ note: z.string().optional() })] });
export const alterRoute = createRoute({
  method: 'patch',
  path: '/v1/topics/{topic}',
  summary: 'Add partitions, change settings',
  request: { params: topicPath, query: noQuery, body: settingsBody },
  responses: altered,
});

export const alter: Handler = (api, context) =>
  withBody(api, context, async (bytes) => {
    readQuery(context, noQuery);
    const { topic, partitionsBefore } = await alterTopic(api.broker, { name: topicOf(context), ...readControlBody(context, bytes, settings) });
    const grown = topic.partitions > partitionsBefore;
    const note = grown ? `The topic had ${partitionsBefore} partitions. New records of a key may go to another partition than its earlier ones.` : undefined;
    return answerJson(api, context, 200, { ...describe(topic), note });
  });

const deleted = responses({ 200: ['Nothing more can be appended, and the name is free.', z.object({ name: z.string(), topicId: z.string() })] });
export const deleteRoute = createRoute({ method: 'delete', path: '/v1/topics/{topic}', summary: 'Delete a topic', request: { params: topicPath, query: noQuery }, responses: deleted });

export const deleteOne: Handler = async (api, context) => {
  readQuery(context, noQuery);
  const name = topicOf(context);
  const topicId = await deleteTopic(api.broker, name);
  api.onWorkLeft();
  return answerJson(api, context, 200, { name, topicId });
};
