// The Idempotency-Key header, and what makes two requests the same.

import type { IdempotencyKey } from '../broker/idempotency.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Api, RequestContext } from './api.ts';

/** undefined: the request has none. @throws WadiError invalid_request */
export function readIdempotencyKey({ env: { incoming } }: RequestContext): string | undefined {
  const given = incoming.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = String(given);
  if (key.length > limits.maxIdempotencyKeyLength || !/^[!-~]+( +[!-~]+)*$/.test(key)) {
    throw new WadiError('invalid_request', `Idempotency-Key is 1 to ${limits.maxIdempotencyKeyLength} printable characters of ASCII.`);
  }
  return key;
}

/** @param asked all that says what the body means and where it goes, but for the topic, under whose id keys are kept */
export function fingerprinted({ broker: { codecs } }: Api, text: string, asked: readonly unknown[], body: Uint8Array): IdempotencyKey {
  const bytes = new TextEncoder().encode(JSON.stringify([...asked, Buffer.from(codecs.sha256(body)).toString('hex')]));
  return { text, fingerprint: codecs.sha256(bytes) };
}
