// Whether a JSON body is taken exactly where JSON.parse takes it, and means the same.

import type { RecordToAppend } from '../../src/broker/append.ts';
import { WadiError } from '../../src/record/errors.ts';
import { refusal } from './target.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws where the reader takes what is no JSON, or finds another number of records, or other values in them. */
export function jsonAgrees(input: Buffer, read: (body: Uint8Array) => { readonly records: readonly RecordToAppend[] }): string {
  let records: readonly RecordToAppend[];
  try {
    ({ records } = read(new Uint8Array(input)));
  } catch (error) {
    return refusal(error, (one) => (one instanceof WadiError && one.code !== 'internal' ? one.code : undefined));
  }
  const whole = JSON.parse(decoder.decode(input)) as { records: readonly { readonly value?: unknown; readonly valueEncoding?: unknown }[] };
  if (whole.records.length !== records.length) throw new Error(`${whole.records.length} records were sent, ${records.length} read`);
  for (const [i, { value, valueEncoding }] of whole.records.entries()) {
    const found = records[i]?.value;
    if (value === undefined || value === null) {
      if (found !== null) throw new Error(`records[${i}] has no value, and one was read`);
    } else if (typeof value === 'string' && valueEncoding === undefined) {
      if (Buffer.from(found ?? []).toString() !== value) throw new Error(`records[${i}].value is another string`);
    } else if (valueEncoding === undefined && JSON.stringify(JSON.parse(Buffer.from(found ?? []).toString())) !== JSON.stringify(value)) {
      throw new Error(`records[${i}].value is another value`);
    }
  }
  return 'records';
}
