// What is measured: the requests of each case, built once as the bytes that go over the socket, and the share of
// the null server's rate that ours must reach.

import { crc32c } from '@node-rs/crc32';
import { seededRandom } from '../test/support/random.ts';
import { encodeBatch } from '../test/support/record-batch.ts';

export const caseNames = ['batches', 'json', 'single', 'fetch'] as const;
export type CaseName = (typeof caseNames)[number];

export const cases: Record<CaseName, { readonly title: string; readonly target: number }> = {
  batches: { title: 'produce, record batches of 100 x 1 KB', target: 0.7 },
  json: { title: 'produce, JSON of 100 x 1 KB', target: 0.4 },
  single: { title: 'produce, one JSON record of 1 KB', target: 0.5 },
  fetch: { title: 'fetch, pages of 1 MiB of record batches', target: 0.7 },
};

export const topic = 'bench';
export const recordsPerRequest = 100;
const variants = 48;
const recordBytes = 1024;
const random = seededRandom(20261121);

const words =
  'partition offset stream commit order invoice shipped customer warehouse pending delivered refund carrier window northern harbour copper linen parcel weight receipt signature courier depot morning evening delayed express'.split(
    ' ',
  );

/** A JSON object of exactly 1,024 bytes, as an application might log it. */
function recordValue(): string {
  const event = {
    id: `evt_${random.between(1e14, 9e15).toString(36)}`,
    type: `order.${random.pick(words)}`,
    at: new Date(1_760_000_000_000 + random.between(0, 1e9)).toISOString(),
    customer: { number: random.between(10_000, 99_999), name: `${random.pick(words)} ${random.pick(words)}`, city: random.pick(words) },
    lines: Array.from({ length: 4 }, () => ({ sku: random.between(1e6, 9e6).toString(36), quantity: random.between(1, 20), price: random.between(100, 99_999) / 100 })),
    total: random.between(1_000, 999_999) / 100,
    note: '',
  };
  let note = '';
  while (note.length < recordBytes) note += `${random.pick(words)} `;
  return JSON.stringify({ ...event, note: note.slice(0, recordBytes - JSON.stringify(event).length) });
}

const keyOf = () => `customer-${random.between(10_000, 99_999)}`;

function jsonBody(records: number, producer: boolean): Buffer {
  return Buffer.from(`{${producer ? producerRoom : ''}"records":[${Array.from({ length: records }, () => `{"key":"${keyOf()}","value":${recordValue()}}`).join(',')}]}`);
}

export function batchBody(): Buffer {
  return encodeBatch(
    Array.from({ length: recordsPerRequest }, () => ({ key: Buffer.from(keyOf()), value: Buffer.from(recordValue()) })),
    Date.now(),
  );
}

/** `idempotent`: each connection is a producer of its own; `plain`: none is, but the load has the same work; `none`: requests go as they were made. */
export type Producers = 'idempotent' | 'plain' | 'none';

/** A whole request, in bytes that belong to one connection at a time. */
export type BenchRequest = {
  readonly bytes: Buffer;
  readonly partition: number;
  readonly records: number;
  /** Writes a producer into it. */
  readonly stamp?: (id: number, sequence: number) => void;
};

/** A connection goes through its share of them one after another. `offsets` are those of the pages to fetch, `headers` are sent with each. */
export function buildRequests(name: CaseName, partitions: number, offsets: readonly number[], headers: Readonly<Record<string, string>>, producers: Producers): BenchRequest[] {
  const common = ['Host: 127.0.0.1', ...Object.entries(headers).map(([header, value]) => `${header}: ${value}`)].join('\r\n');
  const path = (partition: number) => `/v1/topics/${topic}/partitions/${partition}/records`;
  if (name === 'fetch')
    return offsets.map((offset) => ({
      bytes: Buffer.from(`GET ${path(0)}?offset=${offset}&limit=10000&maxBytes=1048576 HTTP/1.1\r\n${common}\r\nAccept: application/vnd.wadi.record-batches\r\n\r\n`),
      partition: 0,
      records: 0,
    }));
  const type = name === 'batches' ? 'application/vnd.wadi.record-batches' : 'application/json';
  const records = name === 'single' ? 1 : recordsPerRequest;
  const bodies = Array.from({ length: variants }, () => (name === 'batches' ? batchBody() : jsonBody(records, producers === 'idempotent')));
  return bodies.flatMap((body) =>
    Array.from({ length: partitions }, (_, partition) => {
      const bytes = Buffer.concat([Buffer.from(`POST ${path(partition)} HTTP/1.1\r\n${common}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
      const own = bytes.subarray(bytes.length - body.length);
      const request = { bytes, partition, records };
      if (producers === 'none') return request;
      // A plain one writes the same numbers to where nobody reads them.
      return { ...request, stamp: name === 'batches' ? stampBatch(own, producers === 'idempotent') : stampJson(producers === 'idempotent' ? own : Buffer.from(jsonBody(1, true))) };
    }),
  );
}

function stampBatch(batch: Buffer, producer: boolean): (id: number, sequence: number) => void {
  return (id, sequence) => {
    batch.writeBigInt64BE(producer ? BigInt(id) : -1n, 43);
    batch.writeInt16BE(producer ? 0 : -1, 51);
    batch.writeInt32BE(producer ? sequence : -1, 53);
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  };
}

/** Room for a number: white space stands before a number as well as digits. */
const numberRoom = ' '.repeat(15);
const producerRoom = `"producer":{"id":${numberRoom}0,"epoch":0,"sequence":${numberRoom}0},`;

function stampJson(body: Buffer): (id: number, sequence: number) => void {
  const ids = body.indexOf('"id":') + 5;
  const sequences = body.indexOf('"sequence":') + 11;
  return (id, sequence) => {
    body.write(String(id).padStart(numberRoom.length + 1), ids);
    body.write(String(sequence).padStart(numberRoom.length + 1), sequences);
  };
}
