// The construct in a stack of its own, for those who have none to put it into.

import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { WadiSettings } from './settings.ts';
import { Wadi } from './wadi.ts';

export type WadiStackProps = StackProps & { readonly settings: WadiSettings; readonly functionsFolder?: string; readonly version?: string };

export class WadiStack extends Stack {
  readonly wadi: Wadi;

  constructor(scope: Construct, id: string, { settings, functionsFolder, version, ...props }: WadiStackProps) {
    super(scope, id, { description: 'Wadi: event streaming with no servers of its own', ...props });
    // The CDK makes each function wait for its role, which it waits for anyway.
    this.templateOptions.metadata = { 'cfn-lint': { config: { ignore_checks: ['W3005'] } } };
    const { alarmEmail, ...rest } = settings;
    const alarmTopic = alarmEmail === undefined ? undefined : new Topic(this, 'Alarms', { enforceSSL: true });
    if (alarmEmail !== undefined) alarmTopic?.addSubscription(new EmailSubscription(alarmEmail));
    this.wadi = new Wadi(this, 'Wadi', {
      ...rest,
      ...(functionsFolder === undefined ? {} : { functionsFolder }),
      ...(version === undefined ? {} : { version }),
      ...(alarmTopic === undefined ? {} : { alarmTopic }),
    });
    const { writeUrl, readUrl, serverUrl, table, bucket } = this.wadi;
    const outputs: Record<string, { readonly value: string | undefined; readonly description: string }> = {
      ReadUrl: { value: readUrl.url, description: 'GET goes here; `wadi --url` takes this one, and GET /v1 tells the other' },
      WriteUrl: { value: writeUrl.url, description: 'PUT, POST, PATCH and DELETE go here' },
      ServerUrl: { value: serverUrl, description: 'The server as a web function: takes all of it' },
      TableName: { value: table.tableName, description: 'Order and metadata' },
      BucketName: { value: bucket.bucketName, description: 'Records' },
    };
    for (const [name, { value, description }] of Object.entries(outputs)) if (value !== undefined) new CfnOutput(this, name, { value, description });
  }
}
