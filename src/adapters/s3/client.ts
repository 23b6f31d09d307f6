import { S3Client } from '@aws-sdk/client-s3';
import { type AwsOptions, clientOptions } from '../aws/client-options.ts';
import type { RequestMeter } from '../aws/request-meter.ts';

/** Of a payload of several megabytes. */
const requestTimeoutMs = 10_000;

/** @param pathStyle the bucket's name goes into the path: emulators and other stores seldom have a host name for each bucket */
export function s3Client(options: AwsOptions, pathStyle: boolean, meter?: RequestMeter): S3Client {
  const client = new S3Client({ ...clientOptions(options, requestTimeoutMs), forcePathStyle: pathStyle });
  if (meter !== undefined) {
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) =>
          meter.measure('s3', String(commandName).replace(/Command$/, ''), () => next(args)),
      { step: 'initialize', name: 'requestMeter' },
    );
  }
  return client;
}
