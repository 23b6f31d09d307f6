// Reading a request's body: once, as bytes, from the Node request itself, since the Request object's own ways have no
// limit; never beyond that of one body nor of all bodies in this process together (I13).

import type { IncomingMessage } from 'node:http';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import type { Api, RequestContext } from './api.ts';
import { isAllowedOrigin } from './cors.ts';
import { gather } from './gather.ts';

/** Bytes of bodies that are being read, or whose requests are not answered yet. */
export type BodyBudget = { readonly maxBodyBytes: number; readonly maxBytesInFlight: number; inFlight: number };

export const createBodyBudget = (maxBodyBytes: number = limits.maxBodyBytes, maxBytesInFlight: number = limits.maxBytesInFlight): BodyBudget => ({ maxBodyBytes, maxBytesInFlight, inFlight: 0 });

/**
 * Reads the body and holds its share of the budget until `use` has answered.
 * @throws WadiError origin_not_allowed, body_too_large, server_busy (both before anything is read, where the length was announced),
 * body_incomplete, unsupported_media_type (compressed), and whatever `use` throws
 */
export async function withBody(api: Api, { env: { incoming } }: RequestContext, use: (bytes: Uint8Array) => Promise<Response>): Promise<Response> {
  const { bodies } = api;
  checkBody(api, incoming);
  let held = 0;
  const hold = (bytes: number): void => {
    if (held + bytes > bodies.maxBodyBytes) throw tooLarge(bodies.maxBodyBytes);
    checkRoom(bodies, bytes);
    held += bytes;
    bodies.inFlight += bytes;
  };
  try {
    const announced = incoming.headers['content-length'];
    if (announced !== undefined) {
      const length = Number(announced);
      hold(length);
      return await use(await readBytes(incoming, length, () => {}));
    }
    return await use(await readBytes(incoming, undefined, hold));
  } finally {
    bodies.inFlight -= held;
  }
}

/** @throws WadiError origin_not_allowed, unsupported_media_type (compressed) */
export function checkBody(api: Api, incoming: IncomingMessage): void {
  refuseForeignPages(api, incoming);
  const encoding = incoming.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  throw new WadiError('unsupported_media_type', `Bodies with Content-Encoding: ${encoding.slice(0, 40)} are not taken. Send it uncompressed, or send compressed record batches.`);
}

/** @throws WadiError server_busy */
export function checkRoom({ inFlight, maxBytesInFlight }: BodyBudget, bytes: number): void {
  if (inFlight + bytes > maxBytesInFlight) throw new WadiError('server_busy', 'Too many bytes of request bodies are in flight in this server. Send the request again after a moment.');
}

/** A browser sends some requests of any page without asking first. */
function refuseForeignPages(api: Api, { headers: { origin, host } }: IncomingMessage): void {
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}` || isAllowedOrigin(api, origin)) return;
  throw new WadiError(
    'origin_not_allowed',
    'Web pages of other origins may not write here. Send the request from a program, or from a page that this server serves, or start the server with --cors-origin.',
  );
}

/** Node's parser has seen to it that a body is not longer than was announced. */
function readBytes(incoming: IncomingMessage, length: number | undefined, hold: (bytes: number) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const gathered = gather(length);
    const end = (): void => {
      stop();
      resolve(gathered.bytes());
    };
    const cut = (): void => {
      stop();
      reject(new WadiError('body_incomplete', 'The connection ended before the body did; nothing was written.'));
    };
    const take = (chunk: Buffer): void => {
      try {
        hold(chunk.length);
        gathered.add(chunk);
      } catch (error) {
        stop();
        reject(error);
      }
    };
    const stop = (): void => {
      incoming.off('data', take).off('end', end).off('close', cut);
    };
    incoming.on('data', take).on('end', end).on('close', cut);
    if (incoming.destroyed) cut();
  });
}

const tooLarge = (limit: number): WadiError => new WadiError('body_too_large', `The body is larger than ${limit} bytes. Send its records in several requests.`, { limit });
