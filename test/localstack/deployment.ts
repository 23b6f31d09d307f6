// The stack on LocalStack, deployed and destroyed by the plain `cdk` command.

import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dynamoClient } from '../../src/adapters/dynamodb/client.ts';
import { dynamoLedger } from '../../src/adapters/dynamodb/ledger.ts';
import { placeOfSdk } from '../../src/adapters/dynamodb/sdk-place.ts';
import { s3Client } from '../../src/adapters/s3/client.ts';
import { s3ObjectStore } from '../../src/adapters/s3/object-store.ts';
import { workShards } from '../../src/log/keys.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import { removeFolder, temporaryFolder } from '../support/server-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const script = fileURLToPath(new URL('localstack', import.meta.url));

export type Deployment = { readonly readUrl: string; readonly writeUrl: string; readonly table: string; readonly bucket: string };

const region = 'us-east-1';
const account = '000000000000';

/** Of every process that talks to LocalStack. */
const localstackEnv = (endpoint: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_EC2_METADATA_DISABLED: 'true',
});

/** What the stack is told here: that its data goes with it, to name the bucket in the path, and to end streams soon, which LocalStack sends on when they are over. */
const context = ['wadi:keepData=false', 'wadi:pathStyle=true', 'wadi:fetchSeconds=5'].flatMap((setting) => ['-c', setting]);

/** Starts one as a process of this machine, which takes minutes the first time. Answers its endpoint. */
export async function startLocalstack(): Promise<string> {
  return (await run(script, ['up'])).trim().split('\n').at(-1) ?? '';
}

export const stopLocalstack = (): Promise<string> => run(script, ['down']);

export async function deploy(endpoint: string): Promise<Deployment> {
  const folder = temporaryFolder('cdk-outputs');
  const file = join(folder, 'outputs.json');
  await cdk(endpoint, ['bootstrap', `aws://${account}/${region}`]);
  await cdk(endpoint, ['deploy', '--require-approval', 'never', '--outputs-file', file, ...context]);
  const { Wadi } = JSON.parse(readFileSync(file, 'utf8')) as { readonly Wadi: Readonly<Record<'ReadUrl' | 'WriteUrl' | 'TableName' | 'BucketName', string>> };
  removeFolder(folder);
  return { readUrl: Wadi.ReadUrl, writeUrl: Wadi.WriteUrl, table: Wadi.TableName, bucket: Wadi.BucketName };
}

export const destroy = (endpoint: string): Promise<string> => cdk(endpoint, ['destroy', '--force', ...context]);

/** The program that runs a function as a process of this machine. */
export const runtime = fileURLToPath(new URL('hostlambda/localstack_host_lambda/ric.mjs', import.meta.url));

/** The table and the bucket, past the functions. */
export function storesOf(endpoint: string, { table, bucket }: Deployment): { readonly ledger: Ledger; readonly objects: ObjectStore } {
  const aws = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  return { ledger: dynamoLedger(dynamoClient(placeOfSdk(aws)), table), objects: s3ObjectStore(s3Client(aws, true), bucket) };
}

/** Two minutes, and time to do it. */
const patienceS = 150;

/** Waits until the compactor has settled what is due. */
export async function workLeft(endpoint: string, deployment: Deployment): Promise<string[]> {
  const { ledger } = storesOf(endpoint, deployment);
  for (let waitedS = 0; ; waitedS++) {
    const due: string[] = [];
    for (const pk of workShards) for (const { sk } of (await ledger.scan({ pk, limit: 10, strong: true })).items) if (Number(sk.split('#')[0]) <= Date.now()) due.push(`${pk} ${sk} is due`);
    if (due.length === 0 || waitedS >= patienceS) return due;
    await wait(1_000);
  }
}

type Listing = { readonly service: string; readonly method?: string; readonly path?: string; readonly target?: string; readonly action?: string };

/** Where parts of the stack would be listed. */
const listings: readonly Listing[] = [
  { service: 'lambda', method: 'GET', path: '/2015-03-31/functions/' },
  { service: 's3', method: 'GET' },
  { service: 'dynamodb', target: 'DynamoDB_20120810.ListTables' },
  { service: 'logs', target: 'Logs_20140328.DescribeLogGroups' },
  { service: 'events', target: 'AWSEvents.ListRules' },
  { service: 'iam', action: 'ListRoles&Version=2010-05-08' },
  { service: 'monitoring', action: 'DescribeAlarms&Version=2010-08-01' },
  {
    service: 'cloudformation',
    action: `ListStacks&Version=2010-05-15${['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'DELETE_IN_PROGRESS', 'DELETE_FAILED'].map((status, i) => `&StackStatusFilter.member.${i + 1}=${status}`).join('')}`,
  },
];

/** What of the stack is still there. LocalStack looks at no signature, only at the service that it is for. */
export async function leftovers(endpoint: string, { table, bucket }: Deployment): Promise<string[]> {
  const found: string[] = [];
  for (const { service, method = 'POST', path = '/', target, action } of listings) {
    const answer = await fetch(`${endpoint}${path}`, {
      method,
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`,
        ...(target === undefined ? {} : { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' }),
        ...(action === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(method === 'GET' ? {} : { body: action === undefined ? '{}' : `Action=${action}` }),
    });
    const text = await answer.text();
    if (!answer.ok) found.push(`${service} answered ${answer.status}: ${text.slice(0, 200)}`);
    // What cdk itself needs, CDKToolkit, stays for the next stack; /aws/lambda/… are groups that LocalStack writes to besides those that are set.
    for (const [name] of text.replaceAll(/\/aws\/lambda\/[\w-]+/g, '').matchAll(/\bWadi[\w-]*/g)) found.push(`${service}: ${name}`);
    if (text.includes(table) || text.includes(bucket)) found.push(`${service}: ${table} or ${bucket}`);
  }
  return [...new Set(found)];
}

const cdk = (endpoint: string, args: readonly string[]): Promise<string> => run(join(root, 'node_modules', '.bin', 'cdk'), ['--ci', ...args], localstackEnv(endpoint));

/** @throws Error with the end of its output where it fails */
async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const options: SpawnOptions = { cwd: root, env: { ...process.env, HOST_LAMBDA_NODE: process.execPath, ...env }, stdio: ['ignore', 'pipe', 'pipe'] };
  const child = spawn(command, args, options);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-4_000)}`);
  return output;
}
