// The object store on one bucket of S3. An object is created only where there is none, with a checksum that S3 checks;
// nothing is deleted on a condition. What writes is sent once.

import { DeleteObjectsCommand, GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { crc32c } from '@node-rs/crc32';
import { StoreFailure } from '../../ports/failure.ts';
import type { ObjectStore, ObjectSummary } from '../../ports/object-store.ts';
import { askAgain } from '../aws/ask-again.ts';
import { failureOf, is } from './failures.ts';

/** Of S3, for lists and for deletions. */
const maxKeysPerRequest = 1000;

export function s3ObjectStore(client: S3Client, bucket: string): ObjectStore {
  const Bucket = bucket;

  async function exists(Key: string): Promise<boolean> {
    try {
      await client.send(new HeadObjectCommand({ Bucket, Key }));
      return true;
    } catch (error) {
      if (is(error, 'absent')) return false;
      throw error;
    }
  }

  async function readBytes(Key: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array | undefined> {
    // An empty range cannot be asked for.
    if (range !== undefined && range.end <= range.start) return (await exists(Key)) ? new Uint8Array() : undefined;
    try {
      const command = new GetObjectCommand({ Bucket, Key, ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }) });
      return await askAgain(async () => (await client.send(command)).Body?.transformToByteArray() ?? new Uint8Array());
    } catch (error) {
      if (is(error, 'absent')) return undefined;
      if (is(error, 'beyondEnd')) return new Uint8Array();
      throw error;
    }
  }

  async function deleteSome(keys: readonly string[]): Promise<void> {
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } }));
    const [first] = Errors;
    if (first === undefined) return;
    throw new StoreFailure(first.Code === 'SlowDown' ? 'throttled' : 'unavailable', 'unknown', `${Errors.length} objects were not deleted, the first is ${first.Key}: ${first.Code}: ${first.Message}`);
  }

  async function named<T>(what: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw failureOf(error, what);
    }
  }

  return {
    async create(key, bytes) {
      try {
        await client.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes, ContentLength: bytes.length, IfNoneMatch: '*', ChecksumCRC32C: checksum(bytes) }));
        return 'created';
      } catch (error) {
        if (is(error, 'taken')) return 'exists';
        throw failureOf(error, `the creation of the object ${key}`);
      }
    },
    read: (key, range) => named(`a read of the object ${key}`, readBytes(key, range)),
    async list(prefix, { after, limit }) {
      const found: ObjectSummary[] = [];
      let StartAfter = after;
      while (found.length < limit) {
        const page = await named(
          `a list of ${prefix}`,
          client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: Math.min(limit - found.length, maxKeysPerRequest), ...(StartAfter === undefined ? {} : { StartAfter }) })),
        );
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) found.push({ key: Key, bytes: Size, modifiedMs: LastModified?.getTime() ?? 0 });
        StartAfter = found.at(-1)?.key;
        if (page.IsTruncated !== true) break;
      }
      return found;
    },
    async delete(keys) {
      for (let i = 0; i < keys.length; i += maxKeysPerRequest) await named(`a deletion of ${keys.length} objects`, deleteSome(keys.slice(i, i + maxKeysPerRequest)));
    },
    nowMs: () => named(`a look at the clock of the bucket ${bucket}`, readClock(client, bucket)),
  };
}

/** As S3 wants it: base64 of four bytes, big-endian. */
function checksum(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(bytes));
  return sum.toString('base64');
}

/** To the second, by the date of an answer. */
async function readClock(client: S3Client, Bucket: string): Promise<number> {
  const command = new HeadBucketCommand({ Bucket });
  let date: string | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      date = (answer.response as { headers?: Record<string, string> }).headers?.['date'];
      return answer;
    },
    { step: 'deserialize', name: 'readClock', override: true },
  );
  await client.send(command);
  const ms = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(ms)) throw new StoreFailure('unavailable', 'none', `the bucket ${Bucket} answers without a date`);
  return ms;
}
