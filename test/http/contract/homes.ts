// Where the contract is tested: each home starts the real application behind a real socket. Another home (a deployed
// one, say) is another entry here.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCodecs } from '../../../src/adapters/codecs/node.ts';
import { systemClock } from '../../../src/adapters/local/system-clock.ts';
import { systemRandom } from '../../../src/adapters/local/system-random.ts';
import { memoryLedger } from '../../../src/adapters/memory/ledger.ts';
import { memoryObjectStore } from '../../../src/adapters/memory/object-store.ts';
import { memoryWakeups } from '../../../src/adapters/memory/wakeups.ts';
import { type Broker, createBroker, type Ports } from '../../../src/broker/broker.ts';
import { createFunction } from '../../../src/functions/serve.ts';
import type { Api } from '../../../src/http/api.ts';
import { createApp } from '../../../src/http/app.ts';
import { createApi } from '../../../src/http/create-api.ts';
import { type ListenOptions, listen } from '../../../src/server/listen.ts';
import { openCloudOn } from '../../../src/wiring/cloud.ts';
import { startDueWork } from '../../../src/wiring/due-work.ts';
import { openEmbedded } from '../../../src/wiring/embedded.ts';
import { silent } from '../../../src/wiring/log.ts';
import { cloudMissing, startCloud } from '../../support/cloud.ts';
import { hasDynoxide, ledgerOn, startDynoxide } from '../../support/emulators.ts';
import { serveFunctions } from '../../support/function-url.ts';
import { scrapeSum } from '../../support/scrape.ts';
import { startServer } from '../../support/server-process.ts';

export type Home = {
  readonly url: string;
  /** Requests that wait for records, where that can be told. */
  readonly waiters?: () => number | Promise<number>;
  close(): Promise<void>;
};

export const homes: Record<string, () => Promise<Home>> = {
  memory: async () => serveBroker(await memoryBroker()),
  'SQLite and files': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wadi-contract-'));
    const embedded = await openEmbedded(folder);
    const served = await serveBroker(embedded.broker, { onWorkLeft: embedded.onWorkLeft, ready: embedded.ready });
    return {
      ...served,
      async close() {
        await served.close();
        await embedded.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

/** Functions that are deployed somewhere, behind one address; nothing else is tested then (test/localstack). */
const deployed = process.env['WADI_CONTRACT_URL'];

export type WhatStandsBetween = {
  /** Hands a request over when it is whole, and one of 6 MB at most. */
  readonly lambda?: boolean;
  /** Hands bodies of text over as UTF-8, with U+FFFD for what is none. LocalStack does not. */
  readonly mendsText?: boolean;
  /** Sends an answer on when it is whole, answers OPTIONS itself, unpacks compressed bodies, and takes the body of a PUT with a form for itself. */
  readonly localstack?: boolean;
};

export const between: Readonly<Record<string, WhatStandsBetween>> = {
  'functions, on memory': { lambda: true, mendsText: true },
  'functions, deployed': { lambda: true, localstack: true },
};

homes['functions, on memory'] = async () => {
  const stores = { ledger: memoryLedger(), objects: memoryObjectStore(systemClock.nowMs) };
  const functionOf = (role: 'produce' | 'fetch') => createFunction({ role, stores, version: 'test', log: silent });
  return serveFunctions({ produce: functionOf('produce'), fetch: functionOf('fetch') });
};

/** On emulators. Without one of S3 the objects are in memory, and so the server is in this process. */
const missing = cloudMissing();
if (missing === undefined) homes['wadi serve on DynamoDB and S3'] = serveCloud;
else if (hasDynoxide()) homes['DynamoDB, and objects in memory'] = openOnDynamo;
if (missing !== undefined) console.log(`The contract is not tested against 'wadi serve' on DynamoDB and S3: ${missing}.`);

if (deployed === undefined) {
  console.log('Functions are not sent requests in pieces, nor text that is no UTF-8: Lambda gathers the one and mends the other (docs/AWS.md).');
} else {
  console.log('What LocalStack does to requests and answers (see WhatStandsBetween) is not tested here, but against the functions on memory.');
  for (const name of Object.keys(homes)) delete homes[name];
  homes['functions, deployed'] = async () => ({ url: deployed, close: async () => {} });
}

async function serveCloud(): Promise<Home> {
  const cloud = await startCloud();
  const server = await startServer(cloud.server);
  return {
    url: server.url,
    waiters: () => scrapeSum(server.url, 'wadi_waiters'),
    async close() {
      await server.stop();
      await cloud.stop();
    },
  };
}

async function openOnDynamo(): Promise<Home> {
  const dynamo = await startDynoxide();
  const { ledger, close } = await ledgerOn(dynamo);
  const cloud = await openCloudOn({ ledger, objects: memoryObjectStore(systemClock.nowMs), release: close });
  const served = await serveBroker(cloud.broker, { onWorkLeft: cloud.onWorkLeft, ready: cloud.ready });
  return {
    ...served,
    async close() {
      await served.close();
      await cloud.close();
      await dynamo.stop();
    },
  };
}

/** Small payloads in the ledger, larger ones as objects, so that both ways are taken. */
export function memoryBroker(ports: Partial<Ports> = {}): Promise<Broker> {
  const telemetry = { count: () => {}, commitSize: () => {}, report: () => {} };
  const all: Ports = {
    ledger: memoryLedger(),
    objects: memoryObjectStore(systemClock.nowMs),
    clock: systemClock,
    random: systemRandom(),
    wakeups: memoryWakeups(),
    telemetry,
    codecs: nodeCodecs,
    ...ports,
  };
  return createBroker(all, { inlineMaxBytes: 1000, inlineTogether: true, producersStayCommits: 0, viewMaxAgeMs: Number.POSITIVE_INFINITY });
}

export async function serveBroker(
  broker: Broker,
  {
    onWorkLeft,
    bodies,
    answers,
    tokens,
    corsOrigins,
    ready = () => true,
    ...options
  }: Partial<ListenOptions> & Partial<Pick<Api, 'onWorkLeft' | 'bodies' | 'answers' | 'ready' | 'tokens' | 'corsOrigins'>> = {},
): Promise<Home & { stop(): void }> {
  const stopping = new AbortController();
  const work = onWorkLeft === undefined ? startDueWork(broker) : undefined;
  const api = createApi({ broker, version: 'test', stopping: stopping.signal, onWorkLeft: onWorkLeft ?? work?.soon ?? (() => {}), ready, localOnly: true });
  const listening = await listen(createApp({ ...api, bodies: bodies ?? api.bodies, answers: answers ?? api.answers, tokens: tokens ?? api.tokens, corsOrigins: corsOrigins ?? api.corsOrigins }), {
    host: '127.0.0.1',
    port: 0,
    ...options,
  });
  return {
    url: `http://127.0.0.1:${listening.port}`,
    waiters: () => broker.waiters,
    stop: () => stopping.abort(),
    async close() {
      stopping.abort();
      await listening.stop(1_000);
      await work?.stop();
      await broker.committer.close();
    },
  };
}
