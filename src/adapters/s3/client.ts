import { S3Client } from '@aws-sdk/client-s3';
import { type AwsOptions, clientOptions } from '../aws/client-options.ts';

/** Of a payload of several megabytes. */
const requestTimeoutMs = 10_000;

/** @param pathStyle the bucket's name goes into the path: emulators and other stores seldom have a host name for each bucket */
export const s3Client = (options: AwsOptions, pathStyle: boolean): S3Client => new S3Client({ ...clientOptions(options, requestTimeoutMs), forcePathStyle: pathStyle });
