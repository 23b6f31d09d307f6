// Where DynamoDB is and who asks, as the SDK finds it: in options, variables, profiles, or asked of the machine.

import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { type AwsOptions, clientOptions } from '../aws/client-options.ts';
import { requestTimeoutMs } from './client.ts';
import type { DynamoPlace } from './place.ts';
import type { Endpoint } from './signature.ts';

export function placeOfSdk(options: AwsOptions): DynamoPlace {
  const sdk = new DynamoDBClient(clientOptions(options, requestTimeoutMs));
  return { credentials: sdk.config.credentials, region: sdk.config.region, endpoint: () => endpointOf(sdk), release: () => sdk.destroy() };
}

type BuiltRequest = { readonly protocol: string; readonly hostname: string; readonly port?: number; readonly path: string };

/** Where the SDK would send a request: it builds one, which goes nowhere. */
async function endpointOf(sdk: DynamoDBClient): Promise<Endpoint> {
  const command = new GetItemCommand({ TableName: 'none', Key: {} });
  let built: BuiltRequest | undefined;
  command.middlewareStack.add(
    () => async (args) => {
      built = args.request as BuiltRequest;
      return { response: undefined, output: { $metadata: {} } };
    },
    { step: 'build', priority: 'low', name: 'endpointOf' },
  );
  await sdk.send(command);
  if (built === undefined) throw new Error('the SDK did not say where DynamoDB is');
  const { protocol, hostname, port, path } = built;
  return { secure: protocol === 'https:', path, host: port === undefined ? hostname : `${hostname}:${port}` };
}
