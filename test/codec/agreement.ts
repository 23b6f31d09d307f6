// Part a: what the peers write is read equal here, what is written here is read equal by the peers.

import { isDeepStrictEqual } from 'node:util';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { checkBatches } from '../../src/record/batch-check.ts';
import { encodeBatch } from '../../src/record/batch-encode.ts';
import { storedBatches, verifyBatch, zeroOffset } from '../../src/record/batch-header.ts';
import { decodeBatch, type Header, type RecordData } from '../../src/record/batch-records.ts';
import { compressionByCode } from '../../src/record/codecs.ts';
import { limits } from '../../src/record/limits.ts';
import type { SeededRandom } from '../support/random.ts';
import { groupedHeaders, kafkaJs, type Peer, type Producer, platformatic } from './peers.ts';
import { now, randomRecords } from './random-records.ts';

export type Agreement = { readonly name: string; readonly batches: number; readonly records: number; readonly problems: readonly string[] };

type Plain = { timestamp: number; key: string | null; value: string | null; headers: (string | null)[][] };

const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
const plain = ({ timestamp, key, value, headers }: RecordData): Plain => ({ timestamp, key: hex(key), value: hex(value), headers: headers.map((header) => header.map(hex)) });
const grouped = (record: RecordData): RecordData => ({ ...record, headers: groupedHeaders(record.headers) as Header[] });

function randomProducer(random: SeededRandom): Producer | undefined {
  if (random.chance(0.5)) return undefined;
  return {
    id: random.chance(0.5) ? random.between(0, 1000) : Number.MAX_SAFE_INTEGER - random.between(0, 1000),
    epoch: random.between(0, 32_767),
    sequence: random.pick([0, 1, 2 ** 31 - 100, random.between(0, 1e9)]),
  };
}

// Reads as the service does: checked at the edge, brought into stored form, checked again when served.
function readHere(bytes: Buffer): { records: RecordData[]; producer: Producer } {
  const [checked, ...more] = checkBatches(bytes, nodeCodecs, { maxMessageBytes: limits.maxBodyBytes, now });
  if (checked === undefined || more.length > 0) throw new Error(`${more.length + 1} batches where one was written`);
  const [stored] = [...storedBatches(zeroOffset(Buffer.from(checked.bytes)))];
  if (stored === undefined) throw new Error('the stored form has no batch');
  verifyBatch(stored, nodeCodecs);
  const records = decodeBatch(stored, nodeCodecs);
  if (records.some(({ offset }, i) => offset !== i)) throw new Error('offsets are not 0, 1, 2, …');
  return { records, producer: { id: checked.producerId, epoch: checked.producerEpoch, sequence: checked.baseSequence } };
}

const noProducer = { id: -1, epoch: -1, sequence: -1 };

async function compare(
  problems: string[],
  what: string,
  expected: readonly RecordData[],
  producer: Producer,
  read: () => Promise<{ records: readonly RecordData[]; producer: Producer }>,
): Promise<void> {
  if (problems.length >= 5) return;
  try {
    const got = await read();
    if (!isDeepStrictEqual(got.records.map(plain), expected.map(plain))) problems.push(`${what}: the records differ`);
    if (producer.id >= 0 && !isDeepStrictEqual(got.producer, producer)) problems.push(`${what}: the producer differs: ${JSON.stringify(got.producer)}`);
    if (producer.id < 0 && got.producer.id !== -1) problems.push(`${what}: a producer out of nothing`);
  } catch (error) {
    problems.push(`${what}: ${error}`);
  }
}

/** @param rounds batches for each peer, direction and compression */
export async function runAgreement(random: SeededRandom, rounds: number, progress: (done: number) => void): Promise<Agreement[]> {
  const results: Agreement[] = [];
  let done = 0;
  for (const peer of [kafkaJs, platformatic] as const satisfies readonly Peer[]) {
    for (const compression of compressionByCode) {
      const theirs = { name: `${peer.name} writes ${compression}, read here`, batches: 0, records: 0, problems: [] as string[] };
      const ours = { name: `${compression} written here, ${peer.name} reads`, batches: 0, records: 0, problems: [] as string[] };
      for (let round = 0; round < rounds; round++) {
        const records = randomRecords(random, peer.limits);
        const ordered = peer === kafkaJs ? records.map(grouped) : records;
        const producer = randomProducer(random);
        const what = `round ${round} with ${records.length} records`;
        await compare(theirs.problems, what, ordered, producer ?? noProducer, async () => readHere(await peer.encode(records, compression, producer)));
        theirs.batches++;
        theirs.records += records.length;
        if (compression === 'none' || compression === 'gzip' || compression === 'zstd') {
          const bytes = Buffer.from(encodeBatch(records, producer === undefined ? { compression } : { compression, producer }, nodeCodecs));
          await compare(ours.problems, what, ordered, producer ?? noProducer, () => peer.decode(bytes));
          ours.batches++;
          ours.records += records.length;
        }
        progress(++done);
      }
      results.push(theirs);
      if (ours.batches > 0) results.push(ours);
    }
  }
  return results;
}
