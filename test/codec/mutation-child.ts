// Runs the inputs of part b in a process of its own, so that a crash, a hang or a leak is seen from outside. Tells
// its parent how far it is, and in the end what came out and how much memory it took.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { nodeCodecs } from '../../src/adapters/codecs/node.ts';
import { checkBatches } from '../../src/record/batch-check.ts';
import { type BatchHeader, readBatchHeader, storedBatches, zeroOffset } from '../../src/record/batch-header.ts';
import { decodeBatch, openRecords } from '../../src/record/batch-records.ts';
import type { Codecs } from '../../src/record/codecs.ts';
import { WadiError } from '../../src/record/errors.ts';
import { limits } from '../../src/record/limits.ts';
import { createInputs, type Input } from './batch-inputs.ts';
import { bombs } from './bombs.ts';
import { areRecords } from './judge.ts';
import { now } from './random-records.ts';

export type ChildReport = {
  readonly done: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly slowestMs: number;
  /** Heap and external memory above the baseline, at most, right after an input. */
  readonly peakBytes: number;
};

const maxMs = 5_000;
const maxProblems = 10;
const [seed, first, count] = process.argv.slice(2).map(Number) as [number, number, number];
const gc = (globalThis as { gc?: () => void }).gc;
if (gc === undefined || process.send === undefined) throw new Error('to be started by mutation-run.ts, with --expose-gc');

const inputs = createInputs(seed);
// Made before the baseline, as they take more memory to make than to refuse.
const known = bombs();
const outcomes: Record<string, number> = {};
const problems: string[] = [];
let slowestMs = 0;
let peakBytes = 0;

const taken = () => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

// After a call, before its garbage is collected; what stood before it is not the call's. Of a body of several batches
// each is measured for itself: what those before it left is garbage, which V8 lets gather to some 80 MiB in one call.
let baseline = 0;
function measured<T>(bomb: boolean, call: (codecs: Codecs) => T): T {
  if (!bomb) return call(nodeCodecs);
  const sample = () => {
    peakBytes = Math.max(peakBytes, taken() - baseline);
  };
  collect();
  try {
    return call({
      ...nodeCodecs,
      decompress: (...batch) => {
        collect();
        try {
          return nodeCodecs.decompress(...batch);
        } finally {
          sample();
        }
      },
    });
  } finally {
    sample();
  }
}

// The buffers that one collection finds are swept, and no longer counted, by the next.
function collect(): void {
  gc?.();
  gc?.();
}

// The producer's way: checked, then stored and read back, which must succeed and give as many records.
function produce(bytes: Buffer, bomb: boolean): string {
  let checked: ReturnType<typeof checkBatches>;
  try {
    checked = measured(bomb, (codecs) => checkBatches(bytes, codecs, { maxMessageBytes: 2 ** 20, now }));
  } catch (error) {
    return named(error, 'checkBatches');
  }
  let count = 0;
  for (const batch of storedBatches(zeroOffset(Buffer.from(bytes)))) count += measured(bomb, (codecs) => decodeBatch(batch, codecs).length);
  const expected = checked.reduce((sum, batch) => sum + batch.count, 0);
  if (count !== expected) problems.push(`${expected} records were checked, ${count} read`);
  return 'valid';
}

const claims = ({ recordCount, baseTimestamp, maxTimestamp }: BatchHeader) => ({
  count: recordCount,
  baseTimestamp: BigInt(baseTimestamp),
  maxTimestamp: BigInt(maxTimestamp),
  latest: now + limits.maxFutureTimestampMs,
});

// What is valid must be so in the judge's eyes; and what was damaged inside only, exactly then.
function judge({ bytes, records }: Input, outcome: string): void {
  if (records !== undefined) {
    const valid = areRecords(records, claims(readBatchHeader(bytes, 0)));
    if (valid !== (outcome === 'valid')) problems.push(`it is ${outcome}, and the judge says ${valid ? 'valid' : 'not valid'}`);
  } else if (outcome === 'valid') {
    for (const batch of storedBatches(zeroOffset(Buffer.from(bytes)))) {
      const { bytes: all, at, end } = openRecords(batch, nodeCodecs, limits.maxDecompressedBatchBytes);
      if (!areRecords(Buffer.from(all.buffer, all.byteOffset + at, end - at), claims(batch))) problems.push('it is valid, and the judge says not valid');
    }
  }
}

// The reader's way, of bytes that nobody checked: nothing but storage_corrupt.
function fetch(bytes: Buffer, bomb: boolean): void {
  try {
    for (const batch of storedBatches(bytes)) measured(bomb, (codecs) => decodeBatch(batch, codecs));
  } catch (error) {
    if (named(error, 'decodeBatch') !== 'storage_corrupt') problems.push(`decodeBatch: ${error}`);
  }
}

function named(error: unknown, where: string): string {
  if (error instanceof WadiError && error.code !== 'internal') return error.code;
  problems.push(`${where}: ${error instanceof Error ? error.stack : error}`);
  return 'unnamed';
}

function run(input: Input, bomb: boolean): string {
  const before = Buffer.from(input.bytes);
  const outcome = produce(input.bytes, bomb);
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  if (!before.equals(input.bytes)) problems.push('checkBatches changed its input');
  judge(input, outcome);
  fetch(input.bytes, bomb);
  return outcome;
}

for (let index = 0; index < 50; index++) run(inputs.input(1 + index), false);
for (const outcome of Object.keys(outcomes)) delete outcomes[outcome];
collect();
baseline = taken();
report(0);

for (const { name, bytes, outcome } of known) {
  const startMs = performance.now();
  const before = problems.length;
  const got = run({ kind: 'known bomb', bytes }, true);
  slowestMs = Math.max(slowestMs, performance.now() - startMs);
  if (got !== outcome) problems.push(`it is ${got} instead of ${outcome}`);
  for (let i = before; i < problems.length; i++) problems[i] = `${name}: ${problems[i]}`;
  collect();
  await nextTurn();
  collect();
  report(0);
}

for (let index = first; index < first + count && problems.length < maxProblems; index++) {
  const bomb = inputs.isBomb(index);
  // A server comes back to its event loop, too: node:zlib lets go of a stream that failed only there.
  if (index % 10 === 0) await nextTurn();
  if (index % 400 === 0) collect();
  const input = inputs.input(index);
  const startMs = performance.now();
  const known = problems.length;
  run(input, bomb);
  if (bomb) collect();
  const tookMs = performance.now() - startMs;
  slowestMs = Math.max(slowestMs, tookMs);
  if (tookMs > maxMs) problems.push(`it took ${Math.round(tookMs)} ms`);
  if (!bomb && index % 10 === 0) peakBytes = Math.max(peakBytes, taken() - baseline);
  for (let i = known; i < problems.length; i++) problems[i] = `input ${index} (${input.kind}) of seed ${seed}: ${problems[i]}`;
  if (index % 200 === 0) report(index - first);
}
report(count);
process.disconnect();

function report(done: number): void {
  process.send?.({ done, outcomes, problems, slowestMs, peakBytes } satisfies ChildReport);
}
