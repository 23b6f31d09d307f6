// Content types of requests and what a client accepts (RFC 9110, 8.3 and 12.5.1), as far as this API needs them.

import { WadiError } from '../record/errors.ts';
import { batchesType, type eventStreamType, jsonType, type ndjsonType } from './answer.ts';
import type { RequestContext } from './api.ts';

/** The media type without its parameters, in lower case; undefined: the request names none. @throws WadiError unsupported_media_type */
export function contentTypeOf({ env: { incoming } }: RequestContext): string | undefined {
  const given = incoming.headers['content-type'];
  if (given === undefined || given === jsonType) return given;
  const [type = '', ...parameters] = given.toLowerCase().split(';');
  for (const parameter of parameters) {
    const charset = /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1];
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw new WadiError('unsupported_media_type', `Bodies are UTF-8; charset ${charset.slice(0, 40)} is not taken.`);
  }
  return type.trim();
}

/** The same for everything that wants JSON: how to mend the command that most people send first. */
export function unsupportedType(type: string, instead: string): WadiError {
  const advice = type === 'application/x-www-form-urlencoded' ? " curl -d sends that type unless told otherwise: use curl --json, or add -H 'Content-Type: application/json'." : '';
  return new WadiError('unsupported_media_type', `Content-Type ${type.slice(0, 100)} is not taken here. ${instead}${advice}`);
}

export type FetchType = typeof jsonType | typeof ndjsonType | typeof eventStreamType | typeof batchesType;

/**
 * In which form a fetch is to be answered: JSON unless the client prefers another that is written.
 * @throws WadiError not_acceptable
 */
export function fetchTypeOf({ env: { incoming } }: RequestContext, written: readonly FetchType[]): FetchType {
  const accept = incoming.headers.accept;
  if (accept === undefined || accept === jsonType || accept === '*/*') return jsonType;
  if (accept === batchesType && written.includes(batchesType)) return batchesType;
  const ranges = rangesOf(accept);
  for (const { range } of ranges) {
    if (range === '*/*' || range === 'application/*') return jsonType;
    const type = written.find((one) => one === range);
    if (type !== undefined) return type;
  }
  const onlyPartitions = ranges.some(({ range }) => range === batchesType) ? ' Record batches are read from one partition: GET /v1/topics/{topic}/partitions/{partition}/records.' : '';
  throw new WadiError('not_acceptable', `Answers come as ${written.join(', ')}.${onlyPartitions}`);
}

/** The media ranges that are wanted at all, most wanted first. */
function rangesOf(accept: string): { range: string; weight: number }[] {
  const ranges = accept
    .slice(0, 4096)
    .split(',')
    .map((part) => {
      const [range = '', ...parameters] = part
        .toLowerCase()
        .split(';')
        .map((piece) => piece.trim());
      const weight = parameters.find((parameter) => parameter.startsWith('q='));
      return { range, weight: weight === undefined ? 1 : Number(weight.slice(2)) };
    });
  return ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
}
