// Two independent writers and readers of record batches: kafkajs and @platformatic/kafka, by the encoders that
// their producers and the decoders that their consumers use. kafkajs brings gzip only; the other codecs are
// registered as its users do, snappy in the frame that Java writes, by packages that are not our own code.

import { createRequire } from 'node:module';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka';
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils';
import type { Header, RecordData } from '../../src/record/batch-records.ts';
import { type Compression, compressionByCode } from '../../src/record/codecs.ts';

export type Producer = { readonly id: number; readonly epoch: number; readonly sequence: number };

/** What a peer read. */
type PeerBatch = { readonly records: readonly RecordData[]; readonly producer: Producer };

export interface Peer {
  readonly name: string;
  /** What its writer can write: */
  readonly limits: { readonly nullHeaders?: boolean; readonly maxSpreadMs?: number };
  encode(records: readonly RecordData[], compression: Compression, producer: Producer | undefined): Promise<Buffer>;
  decode(batch: Buffer): Promise<PeerBatch>;
}

const snappyMagic = Buffer.from('82534e415050590000000001' + '00000001', 'hex');
const snappyBlockBytes = 32 * 1024;

/** As snappy-java's SnappyOutputStream. */
export function xerialCompress(bytes: Buffer): Buffer {
  const parts: Buffer[] = [snappyMagic];
  for (let at = 0; at < bytes.length; at += snappyBlockBytes) {
    const block = snappyCompress(bytes.subarray(at, at + snappyBlockBytes));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

function xerialDecompress(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = snappyMagic.length; at < bytes.length; ) {
    const end = at + 4 + bytes.readInt32BE(at);
    parts.push(snappyDecompress(bytes.subarray(at + 4, end)));
    at = end;
  }
  return Buffer.concat(parts);
}

type KafkaJsEncoder = { readonly buffer: Buffer };
type KafkaJsCodec = { compress(encoder: KafkaJsEncoder): Promise<Buffer>; decompress(bytes: Buffer): Promise<Buffer> };
type KafkaJsHeaders = Record<string, Buffer | Buffer[]>;
type KafkaJsRecord = { offset: string; timestamp: string; key: Buffer | null; value: Buffer | null; headers: KafkaJsHeaders };
type KafkaJsBatch = { records: KafkaJsRecord[]; producerId: string; producerEpoch: number; firstSequence: number };

// Its internals have no types; these are what is used of them.
const require = createRequire(import.meta.url);
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: (batch: object) => Promise<KafkaJsEncoder> };
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;
const decodeRecordBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<KafkaJsBatch>;
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const { Codecs } = require('kafkajs/src/protocol/message/compression') as { Codecs: Record<number, () => KafkaJsCodec> };

const codec = (compress: (bytes: Buffer) => Buffer, decompress: (bytes: Buffer) => Buffer) => (): KafkaJsCodec => ({
  compress: async (encoder) => compress(encoder.buffer),
  decompress: async (bytes) => decompress(bytes),
});
Codecs[2] = codec(xerialCompress, xerialDecompress);
Codecs[3] = codec(lz4Compress, lz4Decompress);
Codecs[4] = codec(
  (bytes) => zstdCompressSync(bytes),
  (bytes) => zstdDecompressSync(bytes),
);

// Headers are an object there: a name that comes twice has an array, and the order between names is lost.
function kafkaJsHeaders(headers: readonly Header[]): KafkaJsHeaders {
  const grouped: KafkaJsHeaders = {};
  for (const [name, value] of headers) {
    const text = Buffer.from(name).toString();
    grouped[text] = [grouped[text] ?? [], Buffer.from(value ?? [])].flat();
  }
  return grouped;
}

/** Headers in the order in which kafkajs gives them back: by name. */
export function groupedHeaders(headers: readonly Header[]): Header[] {
  const order = [...new Set(headers.map(([name]) => Buffer.from(name).toString()))];
  return order.flatMap((name) => headers.filter(([other]) => Buffer.from(other).toString() === name));
}

export const kafkaJs: Peer = {
  name: 'kafkajs',
  // It asks a header's value for its length.
  limits: { nullHeaders: false },
  async encode(records, compression, producer) {
    const firstTimestamp = records[0]?.timestamp ?? 0;
    const batch = await RecordBatch({
      compression: compressionByCode.indexOf(compression),
      records: records.map(({ timestamp, key, value, headers }, i) => encodeRecord({ offsetDelta: i, timestampDelta: timestamp - firstTimestamp, key, value, headers: kafkaJsHeaders(headers) })),
      firstTimestamp,
      maxTimestamp: Math.max(...records.map(({ timestamp }) => timestamp)),
      lastOffsetDelta: records.length - 1,
      ...(producer === undefined ? {} : { producerId: String(producer.id), producerEpoch: producer.epoch, firstSequence: producer.sequence }),
    });
    return batch.buffer;
  },
  async decode(bytes) {
    const batch = await decodeRecordBatch(new Decoder(bytes));
    return {
      records: batch.records.map(({ timestamp, key, value, headers }) => ({
        timestamp: Number(timestamp),
        key,
        value,
        headers: Object.entries(headers).flatMap(([name, values]) => [values].flat().map((value): Header => [Buffer.from(name), value])),
      })),
      producer: { id: Number(batch.producerId), epoch: batch.producerEpoch, sequence: batch.firstSequence },
    };
  },
};

export const platformatic: Peer = {
  name: '@platformatic/kafka',
  // @platformatic/dynamic-buffer 0.3.1 cuts the zigzag form of a 64-bit varint with a mask of 32 bits, so that a time
  // more than 2^31 ms from the batch's first is written as another one, which its own reader then gives back.
  limits: { maxSpreadMs: 2 ** 31 - 1 },
  async encode(records, compression, producer) {
    const messages = records.map(({ timestamp, key, value, headers }) => ({
      topic: 't',
      partition: 0,
      timestamp: BigInt(timestamp),
      key: key as Buffer,
      value: value as Buffer,
      headers: new Map(headers as [Buffer, Buffer][]),
    }));
    const fields = producer === undefined ? {} : { producerId: BigInt(producer.id), producerEpoch: producer.epoch, sequences: { getWithDefault: () => producer.sequence } as never };
    return createRecordsBatch(messages, { compression, ...fields }).buffer;
  },
  async decode(bytes) {
    const batch = readRecordsBatch(Reader.from(bytes));
    return {
      records: batch.records.map(({ timestampDelta, key, value, headers }) => ({
        timestamp: Number(batch.firstTimestamp + timestampDelta),
        key,
        value,
        headers: headers as Header[],
      })),
      producer: { id: Number(batch.producerId), epoch: batch.producerEpoch, sequence: batch.firstSequence },
    };
  },
};
