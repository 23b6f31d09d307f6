// The home on AWS: a table of DynamoDB, a bucket of S3, and any number of processes that share them and know nothing of
// each other.

import type { S3Client } from '@aws-sdk/client-s3';
import type { AwsOptions } from '../adapters/aws/client-options.ts';
import { type RequestMeter, requestMeter } from '../adapters/aws/request-meter.ts';
import { nodeCodecs } from '../adapters/codecs/node.ts';
import { type DynamoClient, dynamoClient } from '../adapters/dynamodb/client.ts';
import { dynamoLedger } from '../adapters/dynamodb/ledger.ts';
import { placeOfSdk } from '../adapters/dynamodb/sdk-place.ts';
import { systemClock } from '../adapters/local/system-clock.ts';
import { systemRandom } from '../adapters/local/system-random.ts';
import { memoryWakeups } from '../adapters/memory/wakeups.ts';
import { s3Client } from '../adapters/s3/client.ts';
import { s3ObjectStore } from '../adapters/s3/object-store.ts';
import { auditLog } from '../broker/audit.ts';
import { createBroker, type Policy } from '../broker/broker.ts';
import { pollingWakeups } from '../broker/polling-wakeups.ts';
import { StoreFailure } from '../ports/failure.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { WadiError } from '../record/errors.ts';
import { startDueWork } from './due-work.ts';
import { CannotOpen, type Home, sentence } from './home.ts';
import { type Log, silent } from './log.ts';
import { createMetrics } from './metrics.ts';
import { processTelemetry } from './telemetry.ts';

/** Of servers on DynamoDB and S3. */
export const cloudPolicy: Policy = {
  // Written and deleted, an item of b KB costs 2 b write units; an object costs 8. Up to here the item is cheaper.
  inlineMaxBytes: 4096,
  // In a transaction each of the two would cost twice.
  inlineTogether: false,
  producersStayCommits: 64,
  // What one's own write answered just now; beyond that, a weak read while the payload is stored costs no time.
  viewMaxAgeMs: 20,
  startMaxAgeMs: 10_000,
  // Longer costs nothing, and less would be paid for by topics with an append now and then: 5 write units for each.
  idleTailMs: 3_600_000,
};

export type CloudPlace = {
  readonly table: string;
  readonly bucket: string;
  readonly aws: AwsOptions;
  /** The bucket's name goes into the path. */
  readonly pathStyle: boolean;
};

/** Asks nothing yet. */
function connectCloud({ table, bucket, aws, pathStyle }: CloudPlace): Required<CloudStores> {
  const requests = requestMeter();
  return { ...joinStores(dynamoClient(placeOfSdk(aws), requests), s3Client(aws, pathStyle, requests), { table, bucket }), requests };
}

export function joinStores(dynamo: DynamoClient, s3: S3Client, { table, bucket }: Pick<CloudPlace, 'table' | 'bucket'>): CloudStores {
  return {
    ledger: dynamoLedger(dynamo, table),
    objects: s3ObjectStore(s3, bucket),
    release() {
      dynamo.destroy();
      s3.destroy();
    },
  };
}

/** @throws CannotOpen where the table or the bucket is not there, or not for these credentials */
export async function openCloud(place: CloudPlace, log: Log = silent): Promise<Home> {
  const stores = connectCloud(place);
  try {
    await stores.objects.nowMs();
    return await openCloudOn(stores, log);
  } catch (error) {
    stores.release();
    throw error instanceof StoreFailure || error instanceof WadiError ? new CannotOpen(sentence(error.message), { cause: error }) : error;
  }
}

export type CloudStores = { readonly ledger: Ledger; readonly objects: ObjectStore /** Of both. */; readonly requests?: RequestMeter; readonly release: () => void };

/** On stores that are open. */
export async function openCloudOn({ ledger, objects, requests, release }: CloudStores, log: Log = silent): Promise<Home> {
  const telemetry = processTelemetry(log);
  const world = { ledger, clock: systemClock, random: systemRandom() };
  const broker = await createBroker({ ...world, objects, wakeups: pollingWakeups(world, memoryWakeups()), telemetry, codecs: nodeCodecs }, cloudPolicy);
  const work = startDueWork(broker);
  const metrics = createMetrics({ broker, telemetry, ledger: undefined, aws: requests });
  return {
    broker,
    onWorkLeft: work.soon,
    ready: () => true,
    metrics,
    audit: (report) => auditLog(broker, report),
    totals: () => ({ appends: telemetry.total('appends'), commits: telemetry.total('commits') }),
    async close() {
      metrics.close();
      await Promise.all([broker.committer.close(), work.stop()]);
      await broker.background.idle();
      release();
    },
  };
}
