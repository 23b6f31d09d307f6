import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type AwsOptions, clientOptions } from '../aws/client-options.ts';

const requestTimeoutMs = 3_000;

export const dynamoClient = (options: AwsOptions): DynamoDBClient => new DynamoDBClient(clientOptions(options, requestTimeoutMs));
