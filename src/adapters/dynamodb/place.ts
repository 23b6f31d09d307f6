// Where DynamoDB is and who asks, as the environment of a process says it. The SDK has a longer search, with profiles, roles
// and regions of every partition (sdk-place.ts); Lambda gives a function all of it in variables, and without the SDK's
// client for DynamoDB a function is 300 KB smaller and starts sooner.

import type { Credentials, Endpoint } from './signature.ts';

export type DynamoPlace = {
  credentials(): Promise<Credentials>;
  region(): Promise<string>;
  endpoint(): Promise<Endpoint>;
  release(): void;
};

/** @throws Error where the variables that every function has are missing */
export function placeOfFunction(env: Readonly<Record<string, string | undefined>>): DynamoPlace {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = env;
  if (!region || !accessKeyId || !secretAccessKey) throw new Error('AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: Lambda sets them for each function.');
  const { protocol, host, pathname } = new URL(
    env['AWS_ENDPOINT_URL_DYNAMODB'] || env['AWS_ENDPOINT_URL'] || `https://dynamodb.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`,
  );
  const credentials: Credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  return {
    credentials: async () => credentials,
    region: async () => region,
    endpoint: async () => ({ secure: protocol === 'https:', host, path: pathname }),
    release() {},
  };
}
