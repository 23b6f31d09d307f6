// Topics: names, settings and their bounds, and the item that says what a topic is.

import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { formatVersion, reader } from './format.ts';
import type { TopicId } from './keys.ts';
import type { Item } from './write.ts';

/** Kafka's names and meanings. Times are milliseconds; -1 is for ever or without bound. */
export type TopicConfig = {
  readonly 'cleanup.policy': 'delete' | 'compact' | 'compact,delete';
  readonly 'retention.ms': number;
  readonly 'retention.bytes': number;
  readonly 'min.compaction.lag.ms': number;
  readonly 'delete.retention.ms': number;
  readonly 'max.message.bytes': number;
  /** For batches that the server makes; those that come ready made stay as they are. */
  readonly 'compression.type': 'none' | 'gzip' | 'zstd';
};

const day = 86_400_000;

export const defaultConfig: TopicConfig = {
  'cleanup.policy': 'delete',
  'retention.ms': 7 * day,
  'retention.bytes': -1,
  'min.compaction.lag.ms': 0,
  'delete.retention.ms': day,
  'max.message.bytes': limits.defaultMaxMessageBytes,
  'compression.type': 'none',
};

type Rule = { readonly oneOf: readonly string[] } | { readonly min: number; readonly max: number };

const configRules: { readonly [Name in keyof TopicConfig]: Rule } = {
  'cleanup.policy': { oneOf: ['delete', 'compact', 'compact,delete'] },
  'retention.ms': { min: -1, max: Number.MAX_SAFE_INTEGER },
  'retention.bytes': { min: -1, max: Number.MAX_SAFE_INTEGER },
  'min.compaction.lag.ms': { min: 0, max: Number.MAX_SAFE_INTEGER },
  'delete.retention.ms': { min: 0, max: Number.MAX_SAFE_INTEGER },
  'max.message.bytes': { min: 1024, max: limits.maxMaxMessageBytes },
  'compression.type': { oneOf: ['none', 'gzip', 'zstd'] },
};

/** @throws WadiError invalid_topic_name */
export function checkTopicName(name: string): void {
  const valid = name.length >= 1 && name.length <= limits.maxTopicNameLength && /^[A-Za-z0-9._-]+$/.test(name) && name !== '.' && name !== '..';
  if (!valid) throw new WadiError('invalid_topic_name', `A topic name has 1 to ${limits.maxTopicNameLength} characters of A-Z a-z 0-9 . _ - and is neither "." nor "..".`);
}

/** @throws WadiError invalid_partitions */
export function checkPartitionCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1 || count > limits.maxPartitions) {
    throw new WadiError('invalid_partitions', `"partitions" is an integer from 1 to ${limits.maxPartitions}.`);
  }
}

/**
 * The settings after a change.
 * @param changes as a client sent them, of any type
 * @throws WadiError invalid_config, which names the setting and its bounds
 */
export function changeConfig(config: TopicConfig, changes: Readonly<Record<string, unknown>>): TopicConfig {
  for (const [name, value] of Object.entries(changes)) checkSetting(name, value);
  return { ...config, ...(changes as Partial<TopicConfig>) };
}

function checkSetting(name: string, value: unknown): void {
  if (!Object.hasOwn(configRules, name)) {
    throw new WadiError('invalid_config', `There is no setting "${name}". Settings: ${Object.keys(configRules).join(', ')}.`, { setting: name });
  }
  const rule = configRules[name as keyof TopicConfig];
  if ('oneOf' in rule) {
    if (!rule.oneOf.includes(value as string)) throw new WadiError('invalid_config', `"${name}" is one of ${rule.oneOf.join(' | ')}.`, { setting: name });
  } else if (!Number.isSafeInteger(value) || (value as number) < rule.min || (value as number) > rule.max) {
    throw new WadiError('invalid_config', `"${name}" is an integer from ${rule.min} to ${rule.max}.`, { setting: name });
  }
}

export const sameConfig = (a: TopicConfig, b: TopicConfig): boolean => (Object.keys(configRules) as (keyof TopicConfig)[]).every((name) => a[name] === b[name]);

export type Topic = {
  readonly id: TopicId;
  readonly name: string;
  /** `creating` until its name leads to it, `deleting` from the moment on at which it no longer takes records, `deleted` when nothing but this is left. */
  readonly state: 'creating' | 'live' | 'deleting' | 'deleted';
  readonly partitions: number;
  readonly config: TopicConfig;
  /** Grows with each change of the settings. */
  readonly configVersion: number;
};

export function topicItem(topic: Topic): Item {
  return { fv: formatVersion, name: topic.name, st: topic.state, np: topic.partitions, cfg: topic.config, cv: topic.configVersion };
}

export function parseTopic(id: TopicId, item: Item): Topic {
  const read = reader(item, `The topic ${id}`);
  return {
    id,
    name: read.text('name'),
    state: read.text('st') as Topic['state'],
    partitions: read.number('np'),
    config: { ...defaultConfig, ...(read.map('cfg') as Partial<TopicConfig>) },
    configVersion: read.number('cv'),
  };
}
