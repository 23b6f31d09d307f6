// What the stack promises: who may do what, what is encrypted and kept, what is watched; and what it says of wrong settings.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, describe, expect, it } from 'vitest';
import { alarmsOf } from '../../cdk/lib/alarms.ts';
import { defaultSettings, InvalidSetting, readSettings, type WadiSettings } from '../../cdk/lib/settings.ts';
import { WadiStack } from '../../cdk/lib/wadi-stack.ts';
import { removeFolder, temporaryFolder } from '../support/server-process.ts';

const functionsFolder = temporaryFolder('functions');
for (const name of ['produce', 'fetch', 'compactor', 'web']) {
  mkdirSync(join(functionsFolder, name));
  writeFileSync(join(functionsFolder, name, 'index.cjs'), '');
}
afterAll(() => removeFolder(functionsFolder));

function synthesize(settings: Partial<WadiSettings> = {}) {
  const stack = new WadiStack(new App(), 'Wadi', { settings: { ...defaultSettings, ...settings }, functionsFolder, version: 'test' });
  return { stack, template: Template.fromStack(stack) };
}
const { stack, template } = synthesize();

type Properties = Readonly<Record<string, unknown>>;
type Resource = { readonly Type: string; readonly Properties: Properties; readonly DeletionPolicy?: string };

const resources = (of: Template, type: string): readonly (readonly [string, Resource])[] => Object.entries(of.findResources(type)) as [string, Resource][];
const only = (of: Template, type: string): Resource => {
  const [found, ...more] = resources(of, type);
  expect(more).toEqual([]);
  return (found as readonly [string, Resource])[1];
};

const functionNames = ['Produce', 'Fetch', 'Compactor'] as const;
const functionOf = (of: Template, name: string): Resource => resources(of, 'AWS::Lambda::Function').find(([id]) => id.startsWith(`Wadi${name}`))?.[1] as Resource;

type Statement = { readonly Effect: string; readonly Action: string | readonly string[]; readonly Resource: unknown };

/** All that the role of a function may do: `action on what`. */
function allowed(name: string): string[] {
  const policies = resources(template, 'AWS::IAM::Policy').filter(([, { Properties }]) => JSON.stringify(Properties['Roles']).includes(`Wadi${name}Role`));
  return policies
    .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as { readonly Statement: readonly Statement[] }).Statement)
    .flatMap(({ Effect, Action, Resource }) => [Action].flat().map((action) => `${Effect} ${action} on ${placeOf(Resource)}`))
    .sort();
}

function placeOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  if (text.includes('WadiTable')) return 'the table';
  if (text.includes('WadiBucket')) return text.includes('/*') ? 'objects' : 'the bucket';
  if (text.includes('Logs')) return 'its logs';
  return text;
}

const logs = ['Allow logs:CreateLogStream on its logs', 'Allow logs:PutLogEvents on its logs'];
const reads = [
  'Allow dynamodb:BatchGetItem on the table',
  'Allow dynamodb:GetItem on the table',
  'Allow dynamodb:Query on the table',
  'Allow s3:GetObject on objects',
  'Allow s3:ListBucket on the bucket',
];
const writes = [
  'Allow dynamodb:ConditionCheckItem on the table',
  'Allow dynamodb:DeleteItem on the table',
  'Allow dynamodb:PutItem on the table',
  'Allow dynamodb:UpdateItem on the table',
  'Allow s3:PutObject on objects',
];

describe('what each function may do, in full', () => {
  it('fetch writes nothing', () => expect(allowed('Fetch')).toEqual([...reads, ...logs].sort()));
  it('produce deletes no object', () => expect(allowed('Produce')).toEqual([...reads, ...writes, ...logs].sort()));
  it('the compactor does', () => expect(allowed('Compactor')).toEqual([...reads, ...writes, 'Allow s3:DeleteObject on objects', ...logs].sort()));

  it('is nothing besides, and nothing on everything', () => {
    const roles = resources(template, 'AWS::IAM::Role');
    expect(roles.map(([id]) => id.replace(/Role.*/, '')).sort()).toEqual(['WadiCompactor', 'WadiFetch', 'WadiProduce']);
    for (const [, { Properties }] of roles) expect(Properties).not.toHaveProperty('ManagedPolicyArns');
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).not.toContain('"Resource":"*"');
  });

  it('covers every call of the adapters', () => {
    const source = (path: string) => readFileSync(fileURLToPath(new URL(`../../src/adapters/${path}`, import.meta.url)), 'utf8');
    const operations = [...source('dynamodb/client.ts').matchAll(/type (?:Write|Read)Operation = ([^;]+);/g)].flatMap(([, names]) =>
      [...(names as string).matchAll(/'(\w+)'/g)].map(([, name]) => name as string),
    );
    expect(operations).toHaveLength(7);
    const granted = allowed('Compactor').join(' ');
    // A transaction needs what its writes need.
    for (const operation of operations.filter((name) => name !== 'TransactWriteItems')) expect(granted).toContain(`dynamodb:${operation} `);
    const commands = [...source('s3/object-store.ts').matchAll(/new (\w+)Command\(/g)].map(([, name]) => name as string);
    const needs: Record<string, string> = {
      HeadObject: 's3:GetObject',
      GetObject: 's3:GetObject',
      DeleteObjects: 's3:DeleteObject',
      PutObject: 's3:PutObject',
      ListObjectsV2: 's3:ListBucket',
      HeadBucket: 's3:ListBucket',
    };
    for (const command of commands) expect(granted).toContain(`${needs[command] ?? command} `);
  });
});

describe('the bucket', () => {
  it('is encrypted, closed to the public, and asked over TLS only', () => {
    const { Properties } = only(template, 'AWS::S3::Bucket');
    expect(Properties).toMatchObject({
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })]) },
    });
  });

  it('loses nothing to a lifecycle rule but uploads that nobody ended', () => {
    const { Rules } = only(template, 'AWS::S3::Bucket').Properties['LifecycleConfiguration'] as { readonly Rules: readonly object[] };
    expect(Rules).toEqual([{ Id: 'abandoned-uploads', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }]);
  });
});

describe('the table', () => {
  it('is on demand, can be restored to any second, and forgets what has expired', () => {
    expect(only(template, 'AWS::DynamoDB::Table').Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    });
  });
});

describe('data', () => {
  it('outlives the stack, unless one asks', () => {
    for (const type of ['AWS::DynamoDB::Table', 'AWS::S3::Bucket']) expect(only(template, type).DeletionPolicy).toBe('Retain');
    expect(only(template, 'AWS::DynamoDB::Table').Properties['DeletionProtectionEnabled']).toBe(true);
    const gone = synthesize({ keepData: false }).template;
    for (const type of ['AWS::DynamoDB::Table', 'AWS::S3::Bucket']) expect(only(gone, type).DeletionPolicy).toBe('Delete');
    expect(only(gone, 'AWS::DynamoDB::Table').Properties['DeletionProtectionEnabled']).toBe(false);
  });
});

describe('the functions', () => {
  it('run on Node 24 on arm64, and produce has its concurrency', () => {
    for (const name of functionNames) expect(functionOf(template, name).Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
    expect(functionNames.map((name) => functionOf(template, name).Properties['ReservedConcurrentExecutions'])).toEqual([50, undefined, undefined]);
    expect(functionOf(synthesize({ produceConcurrency: 'unreserved' }).template, 'Produce').Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  it('keep their logs for a time, which can be set', () => {
    const days = (of: Template) => resources(of, 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties['RetentionInDays']);
    expect(days(template)).toEqual([30, 30, 30]);
    expect(days(synthesize({ logDays: 7 }).template)).toEqual([7, 7, 7]);
  });

  it('are called by signed requests only, and stream', () => {
    const urls = resources(template, 'AWS::Lambda::Url').map(([, { Properties }]) => Properties);
    expect(urls).toHaveLength(2);
    for (const url of urls) expect(url).toMatchObject({ AuthType: 'AWS_IAM', InvokeMode: 'RESPONSE_STREAM' });
    template.resourceCountIs('AWS::Lambda::Permission', 1);
  });

  it('are open only where one asks, which is warned of', () => {
    const open = synthesize({ auth: 'none' });
    for (const [, { Properties }] of resources(open.template, 'AWS::Lambda::Url')) expect(Properties['AuthType']).toBe('NONE');
    Annotations.fromStack(open.stack).hasWarning('*', Match.stringLikeRegexp('anybody on the internet'));
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  it('have the compactor started every minute by a rule, which never tries again', () => {
    const { Properties } = only(template, 'AWS::Events::Rule');
    expect(Properties).toMatchObject({ ScheduleExpression: 'rate(1 minute)', State: 'ENABLED', Targets: [{ RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } }] });
    expect(JSON.stringify(Properties['Targets'])).toContain('WadiCompactor');
  });

  it('let Lambda answer browsers, where origins are given', () => {
    for (const [, { Properties }] of resources(template, 'AWS::Lambda::Url')) expect(Properties).not.toHaveProperty('Cors');
    for (const [, { Properties }] of resources(synthesize({ corsOrigins: ['https://app.example'] }).template, 'AWS::Lambda::Url'))
      expect(Properties['Cors']).toMatchObject({ AllowOrigins: ['https://app.example'], AllowHeaders: ['*'] });
  });
});

describe('alarms', () => {
  const runbook = readFileSync(fileURLToPath(new URL('../../docs/RUNBOOK.md', import.meta.url)), 'utf8');
  const names = Object.keys(alarmsOf(stack.wadi, 30));

  it('are ten at most, and each has its entry in the runbook', () => {
    expect(names.length).toBeLessThanOrEqual(10);
    const given = resources(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => String(Properties['AlarmName']));
    expect(given.sort()).toEqual(names.map((name) => `Wadi-${name}`).sort());
    expect(
      [...runbook.matchAll(/^## (\S+)$/gm)]
        .map(([, name]) => name)
        .filter((name) => name !== undefined && /-/.test(name))
        .sort(),
    ).toEqual(names.toSorted());
  });

  it('are sent to an address that is given', () => {
    const told = synthesize({ alarmEmail: 'team@example.com' }).template;
    told.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'team@example.com' });
    for (const [, { Properties }] of resources(told, 'AWS::CloudWatch::Alarm')) expect(Properties['AlarmActions']).toHaveLength(1);
  });

  it('see a compactor that has stopped: there, nothing is what is bad', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'Wadi-compactor-stopped', TreatMissingData: 'breaching', ComparisonOperator: 'LessThanThreshold' });
  });
});

describe('the server as a web function', () => {
  it('is there where one asks, for signed requests, with the rights of the functions', () => {
    template.resourceCountIs('AWS::Lambda::WebFunction', 0);
    const withServer = synthesize({ webFunction: true }).template;
    withServer.resourceCountIs('AWS::Lambda::WebFunction', 1);
    withServer.hasResourceProperties('AWS::Lambda::WebFunctionEndpoint', { AuthType: 'IamAuth' });
    withServer.hasOutput('ServerUrl', {});
  });
});

describe('settings', () => {
  it('are those by default, and read from the context', () => {
    expect(readSettings({ 'aws:cdk:enable-path-metadata': true })).toEqual(defaultSettings);
    expect(readSettings({ 'wadi:keepData': 'false', 'wadi:produceConcurrency': '7', 'wadi:corsOrigins': 'https://a.example, https://b.example', 'wadi:dashboard': false })).toEqual({
      ...defaultSettings,
      keepData: false,
      produceConcurrency: 7,
      corsOrigins: ['https://a.example', 'https://b.example'],
      dashboard: false,
    });
  });

  it.each([
    ['wadi:keepdata', 'false', /There is no setting wadi:keepdata: the settings are wadi:auth, wadi:keepData/],
    ['wadi:auth', 'open', /wadi:auth is iam or none, not 'open'/],
    ['wadi:keepData', 'no', /wadi:keepData is true or false/],
    ['wadi:produceConcurrency', '0', /1 or more, or 'unreserved'/],
    ['wadi:produceConcurrency', 'many', /a whole number, not 'many'/],
    ['wadi:memoryMb', '128', /256 to 10240/],
    ['wadi:fetchSeconds', '901', /3 to 900/],
    ['wadi:logDays', '31', /one of 1, 3, 5, 7/],
    ['wadi:corsOrigins', 'https://app.example/path', /'https:\/\/app.example\/path' is neither/],
    ['wadi:alarmEmail', 'team', /such as team@example.com, not 'team'/],
  ])('%s=%s is refused with what to do', (key, value, message) => {
    const read = () => readSettings({ [key]: value });
    expect(read).toThrow(InvalidSetting);
    expect(read).toThrow(message);
  });
});
