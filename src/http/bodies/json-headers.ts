// The headers of a record in a JSON body: [["name","value"],…], where a value may be null, and bytes that are not
// UTF-8 are {"base64":"…"}. Walked and not parsed, so that they are counted before they take memory (I13).

import type { Header } from '../../record/batch-records.ts';
import { closeArray, closeObject, colon, comma, isNull, openArray, openObject, quote, skipSpace, skipString } from '../../record/json-grammar.ts';
import type { Span } from '../../record/json-scanner.ts';
import { limits } from '../../record/limits.ts';
import { invalid, parsedScalar, stringBytes } from './json-strings.ts';

const noHeaders: readonly Header[] = [];

/** A place in the body that moves. The scanner has found the grammar right, so commas and ends are where they must be. */
type Place = { readonly body: Uint8Array; at: number; readonly index: number };

/** @param span of the member's value, which the scanner has checked. @throws WadiError invalid_record */
export function readHeaders(body: Uint8Array, span: Span, index: number): readonly Header[] {
  if (body[span.start] !== openArray) throw invalid(index, `records[${index}].headers is an array of pairs [["name","value"],…].`);
  const place: Place = { body, at: skipSpace(body, span.start + 1), index };
  if (body[place.at] === closeArray) return noHeaders;
  const headers: Header[] = [];
  for (;;) {
    if (headers.length === limits.maxHeadersPerRecord) throw invalid(index, `records[${index}].headers has more than ${limits.maxHeadersPerRecord} entries.`);
    headers.push(readPair(place, `records[${index}].headers[${headers.length}]`));
    if (nextByte(place) === closeArray) return headers;
    place.at = skipSpace(body, place.at + 1);
  }
}

function readPair(place: Place, what: string): Header {
  const { body, index } = place;
  const expect = (byte: number): void => {
    if (nextByte(place) !== byte) throw invalid(index, `${what} is a pair ["name","value"].`);
    place.at = skipSpace(body, place.at + 1);
  };
  expect(openArray);
  const name = readPart(place, `${what}[0]`);
  if (name === null) throw invalid(index, `${what}[0] is a string.`);
  if (name.length > limits.maxHeaderNameBytes) throw invalid(index, `${what}[0] has more than ${limits.maxHeaderNameBytes} bytes.`);
  expect(comma);
  const value = readPart(place, `${what}[1]`);
  expect(closeArray);
  return [name, value];
}

function readPart(place: Place, what: string): Uint8Array | null {
  const { body, index } = place;
  const first = body[place.at];
  if (first === quote) return stringBytes(body, takeString(place), 'text', what, index);
  if (first !== openObject) {
    if (!isNull(body, place.at)) throw notAPart(what, index);
    place.at += 4;
    return null;
  }
  place.at = skipSpace(body, place.at + 1);
  if (body[place.at] !== quote || parsedScalar(body, takeString(place)) !== 'base64' || nextByte(place) !== colon) throw notAPart(what, index);
  place.at = skipSpace(body, place.at + 1);
  if (body[place.at] !== quote) throw notAPart(what, index);
  const bytes = stringBytes(body, takeString(place), 'base64', what, index);
  if (nextByte(place) !== closeObject) throw notAPart(what, index);
  place.at += 1;
  return bytes;
}

const notAPart = (what: string, index: number) => invalid(index, `${what} is a string, null or {"base64":"…"}.`);

function takeString(place: Place): Span {
  const start = place.at;
  place.at = skipString(place.body, start);
  return { start, end: place.at };
}

/** Steps over white space. */
function nextByte(place: Place): number | undefined {
  place.at = skipSpace(place.body, place.at);
  return place.body[place.at];
}
