// A function with the clients of the SDK that ours works with, and nothing else: what its start is compared with.

import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';

const dynamo = new DynamoDBClient({});
const s3 = new S3Client({});

export async function handler(): Promise<void> {
  await dynamo.send(new GetItemCommand({ TableName: 'table', Key: { pk: { S: 'key' } } }));
  await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }));
}
