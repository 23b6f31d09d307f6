// What the clients of DynamoDB and S3 have in common: one attempt for each send, since what is retried the protocol
// says, and bounds in time, since a call without an answer is one whose outcome is unknown.

import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

export type AwsOptions = {
  /** Default: as the environment says (AWS_ENDPOINT_URL and its like), else that of AWS. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly credentials?: DynamoDBClientConfig['credentials'];
};

export const connectionTimeoutMs = 1_000;
export const maxSockets = 256;
const socketOptions = { maxSockets, keepAlive: true };

/** @param requestTimeout milliseconds for an answer */
export const clientOptions = ({ endpoint, region, credentials }: AwsOptions, requestTimeout: number) => ({
  maxAttempts: 1,
  requestHandler: { connectionTimeout: connectionTimeoutMs, requestTimeout, throwOnRequestTimeout: true, httpAgent: socketOptions, httpsAgent: socketOptions },
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(region === undefined ? {} : { region }),
  ...(credentials === undefined ? {} : { credentials }),
});
