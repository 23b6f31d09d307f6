// What the strings of a JSON body stand for, as bytes: their characters as UTF-8, or what they are the base64 of. The
// spans that come in were checked by the scanner.

import { WadiError } from '../../record/errors.ts';
import type { Span } from '../../record/json-scanner.ts';

export type Encoding = 'text' | 'base64';

export const invalid = (index: number, detail: string): WadiError => new WadiError('invalid_record', detail, { record: index });

/** @param what names the string in an error. @throws WadiError invalid_record */
export function stringBytes(body: Uint8Array, span: Span, encoding: Encoding, what: string, index: number): Uint8Array {
  if (body[span.start] !== 0x22) throw invalid(index, `${what} is a string${encoding === 'base64' ? ' of base64' : ''}.`);
  const inside = body.subarray(span.start + 1, span.end - 1);
  if (encoding === 'text' && !inside.includes(0x5c)) return inside;
  const text = parsed(body, span) as string;
  if (encoding === 'base64') return base64Bytes(text, what, index);
  if (!text.isWellFormed()) throw invalid(index, `${what} has half of a surrogate pair, which is no character.`);
  return Buffer.from(text);
}

function base64Bytes(text: string, what: string, index: number): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  // Node reads over what is no base64; what it read must write the same.
  if (bytes.toString('base64') !== text) throw invalid(index, `${what} is not base64 (RFC 4648, section 4, with padding).`);
  return bytes;
}

/** Longer than any number or name that means something here. */
const maxScalarBytes = 64;

/** A number or a short string; undefined for what is longer, so that an array of millions is never made into one (I13). */
export function parsedScalar(body: Uint8Array, span: Span): unknown {
  return span.end - span.start > maxScalarBytes ? undefined : parsed(body, span);
}

export function parsed(body: Uint8Array, { start, end }: Span): unknown {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset + start, end - start).toString());
}
