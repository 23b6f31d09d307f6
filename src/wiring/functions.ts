// The cloud home as functions open it: processes that take one request after the other, may stand still between two for
// any time, and end without a word. Nothing is asked at the start that a request does not need, and nothing runs by a timer.

import { nodeCodecs } from '../adapters/codecs/node.ts';
import { dynamoClient } from '../adapters/dynamodb/client.ts';
import { placeOfFunction } from '../adapters/dynamodb/place.ts';
import { systemClock } from '../adapters/local/system-clock.ts';
import { systemRandom } from '../adapters/local/system-random.ts';
import { memoryWakeups } from '../adapters/memory/wakeups.ts';
import { s3Client } from '../adapters/s3/client.ts';
import { type Broker, createBroker, type Policy } from '../broker/broker.ts';
import { pollingWakeups } from '../broker/polling-wakeups.ts';
import { type CloudPlace, type CloudStores, cloudPolicy, joinStores } from './cloud.ts';
import type { Log } from './log.ts';
import { processTelemetry } from './telemetry.ts';

/** As the variables say that Lambda sets; asks nobody yet. @throws Error where they are missing */
export function connectForFunction({ pathStyle, ...place }: Omit<CloudPlace, 'aws'>): CloudStores {
  return joinStores(dynamoClient(placeOfFunction(process.env)), s3Client({}, pathStyle), place);
}

/** @throws StoreFailure; nothing at all where it only reads */
export async function openForFunction({ ledger, objects }: Pick<CloudStores, 'ledger' | 'objects'>, policy: Pick<Policy, 'readsOnly' | 'appendMsLeft'>, log: Log): Promise<Broker> {
  const telemetry = processTelemetry(log);
  const world = { ledger, clock: systemClock, random: systemRandom() };
  return createBroker({ ...world, objects, wakeups: pollingWakeups(world, memoryWakeups()), telemetry, codecs: nodeCodecs }, { ...cloudPolicy, ...policy });
}
