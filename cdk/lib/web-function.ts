// The server itself on Lambda, as a web function: one process takes many requests at once, groups their appends into one
// commit, and lets readers wait without being paid for it.

import { Duration } from 'aws-cdk-lib';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { WebFunction, WebFunctionAuthType, WebFunctionCode, WebFunctionRuntime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

const timeout = Duration.minutes(5);

/** Answers its URL. */
export function addWebFunction(
  scope: Construct,
  { folder, environment, auth, allow }: { readonly folder: string; readonly environment: Record<string, string>; readonly auth: 'iam' | 'none'; readonly allow: (role: IGrantable) => void },
): string {
  const server = new WebFunction(scope, 'Server', {
    code: WebFunctionCode.fromAssetToManagedBucket(folder),
    runtime: WebFunctionRuntime.NODEJS_24_X,
    environment,
    entryPoint: 'index.mjs',
    timeout,
    defaultEndpointAuth: auth === 'iam' ? WebFunctionAuthType.IAM_AUTH : WebFunctionAuthType.APPLICATION_MANAGED,
  });
  allow(server);
  return `https://${server.endpoint.domainName}`;
}
