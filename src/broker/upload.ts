// A payload is stored before its commit: as an object, or in the ledger by a write of its own.

import { planPayload } from '../log/append.ts';
import { objectKey } from '../log/keys.ts';
import { StoreFailure } from '../ports/failure.ts';
import type { Broker } from './broker.ts';
import { backoff, type Deadline } from './deadline.ts';

export type Upload = { readonly id: Uint8Array; readonly epoch: number };

/**
 * Durable when it answers, under a name that nobody knows yet. What dies before its commit is garbage.
 * @throws StoreFailure where trying again is of no use, TimedOut
 */
export async function uploadPayload(broker: Broker, bytes: Uint8Array, deadline: Deadline): Promise<Upload> {
  const upload = { id: broker.random.bytes(16), epoch: broker.epoch };
  const key = objectKey(upload.epoch, upload.id);
  for (let attempt = 0; ; attempt++) {
    try {
      const outcome = await deadline.race(broker.objects.create(key, bytes));
      // A name that is taken is our own earlier try, whose answer was lost: ids are random. Compared all the same.
      if (outcome === 'created' || (await isOurs(broker, key, bytes, deadline))) return upload;
      throw new StoreFailure('corrupt', 'none', `the object ${key} holds other bytes than were uploaded`);
    } catch (error) {
      if (!isWorthRetrying(error)) throw error;
      await backoff(broker, attempt);
    }
  }
}

/**
 * As `uploadPayload`, into the ledger. Sent again under the same name: the bytes are the same, so it does not matter
 * how often it is carried out, nor when.
 * @throws StoreFailure where trying again is of no use, TimedOut
 */
export async function putPayload(broker: Broker, bytes: Uint8Array, deadline: Deadline): Promise<Upload> {
  const upload = { id: broker.random.bytes(16), epoch: broker.epoch };
  for (let attempt = 0; ; attempt++) {
    try {
      await deadline.race(broker.ledger.write(planPayload(upload, bytes)));
      return upload;
    } catch (error) {
      if (!isWorthRetrying(error)) throw error;
      await backoff(broker, attempt);
    }
  }
}

async function isOurs(broker: Broker, key: string, bytes: Uint8Array, deadline: Deadline): Promise<boolean> {
  const stored = await deadline.race(broker.objects.read(key));
  return stored !== undefined && stored.length === bytes.length && stored.every((byte, i) => byte === bytes[i]);
}

export function isWorthRetrying(error: unknown): boolean {
  return error instanceof StoreFailure && (error.reason === 'throttled' || error.reason === 'conflict' || error.reason === 'unavailable');
}
