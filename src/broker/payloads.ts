// The bytes behind a ref: from memory where they are still known, else from their store, checked before anybody
// sees them (I14), and with their true offsets written in, which are outside the checksum and 0 in the store.
// Payloads never change, so what is remembered is right for ever; how much is remembered is bounded.

import type { Ref } from '../log/format.ts';
import type { PlacedRef } from '../log/head.ts';
import { idText, objectKey, payloadKey } from '../log/keys.ts';
import { stampOffset, storedBatches, verifyBatch } from '../record/batch-header.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Broker } from './broker.ts';

export type PayloadCache = {
  get(ref: Ref): Uint8Array | undefined;
  /** @param bytes those of the ref, checked, with their offsets */
  remember(ref: Ref, bytes: Uint8Array): void;
};

export function createPayloadCache(maxBytes: number = limits.maxPayloadCacheBytes): PayloadCache {
  const known = new Map<string, Uint8Array>();
  let held = 0;
  return {
    get(ref) {
      const name = nameOf(ref);
      const bytes = known.get(name);
      if (bytes !== undefined) {
        known.delete(name);
        known.set(name, bytes);
      }
      return bytes;
    },
    remember(ref, bytes) {
      const name = nameOf(ref);
      // A view keeps all of its buffer alive: what is much smaller than its buffer would hold more than it counts.
      if (known.has(name) || bytes.length * 2 < bytes.buffer.byteLength) return;
      known.set(name, bytes);
      held += bytes.buffer.byteLength + entryBytes;
      for (const [oldest, old] of known) {
        if (held <= maxBytes) break;
        known.delete(oldest);
        held -= old.buffer.byteLength + entryBytes;
      }
    },
  };
}

/** Roughly what an entry costs besides its bytes. */
const entryBytes = 200;

const nameOf = (ref: Ref): string => `${idText(ref.id)}:${ref.position}:${ref.length}`;

/**
 * The record batches of a ref, to be read and not written. undefined: the payload is not there, so the ref may be old; read the head again.
 * @throws WadiError storage_corrupt, which names the place; StoreFailure
 */
export async function readPayload(broker: Broker, placed: PlacedRef, remember = true): Promise<Uint8Array | undefined> {
  const { ref } = placed;
  const known = broker.payloads.get(ref);
  if (known !== undefined) return known;
  const bytes = ref.inline ? await readInline(broker, ref) : await broker.objects.read(objectKey(ref.epoch, ref.id), { start: ref.position, end: ref.position + ref.length });
  if (bytes === undefined) return undefined;
  verifyAndStamp(broker, placed, bytes);
  if (remember) broker.payloads.remember(ref, bytes);
  return bytes;
}

async function readInline(broker: Broker, ref: Ref): Promise<Uint8Array | undefined> {
  const [item] = await broker.ledger.read([payloadKey(ref.epoch, ref.id)], { strong: true });
  const bytes = item?.['b'];
  return bytes instanceof Uint8Array ? bytes.subarray(ref.position, ref.position + ref.length) : undefined;
}

/** Lengths and counts must add up to the ref's, and every checksum hold. What a store answers is ours to write in. */
function verifyAndStamp(broker: Broker, { baseOffset, ref }: PlacedRef, bytes: Uint8Array): void {
  try {
    let count = 0;
    for (const batch of storedBatches(bytes)) {
      verifyBatch(batch, broker.codecs);
      stampOffset(bytes, batch.start, baseOffset + count);
      count += batch.lastOffsetDelta + 1;
    }
    if (bytes.length !== ref.length || count !== ref.count) {
      throw new WadiError('storage_corrupt', `${bytes.length} bytes with ${count} records stand where ${ref.length} with ${ref.count} were committed`);
    }
  } catch (error) {
    if (!(error instanceof WadiError)) throw error;
    const place = ref.inline ? `ledger item ${payloadKey(ref.epoch, ref.id).pk} ${idText(ref.id)}` : `object ${objectKey(ref.epoch, ref.id)}`;
    throw new WadiError('storage_corrupt', `Stored records are damaged in ${place}, from byte ${ref.position} on: ${error.message}`, { place }, { cause: error });
  }
}
