// The table: one for everything, on demand, with a time to live for what a partition knows of producers that left.

import { CreateTableCommand, DynamoDBClient, type DynamoDBClientConfig, UpdateTimeToLiveCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import type { AwsOptions } from '../aws/client-options.ts';

const maxWaitS = 60;

/** For emulators and for trying out: a deployment's table is made by its stack. @throws ResourceInUseException where it exists */
export async function createTable(options: AwsOptions, table: string): Promise<void> {
  const client = new DynamoDBClient(options as DynamoDBClientConfig);
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: maxWaitS, minDelay: 1, maxDelay: 2 }, { TableName: table });
  await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' } }));
  client.destroy();
}
