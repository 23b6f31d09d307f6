// Produce by lines: a body of any length, read and committed as it comes. One commit is under way at a time, and the
// body is read no further meanwhile, so the sender goes as fast as the log does, and what was acknowledged is always a
// beginning of the body. The answer is a line for each commit, then one that says how it ended; a sender that does not
// read while it writes loses lines of the answer, but never the last, which says all.

import type { IncomingMessage } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type AppendAnswer, appendRecords, type RecordToAppend } from '../../broker/append.ts';
import { anyError } from '../../broker/failures.ts';
import { resolvePartition } from '../../broker/topic-cache.ts';
import { WadiError } from '../../record/errors.ts';
import { limits } from '../../record/limits.ts';
import { ndjsonType } from '../answer.ts';
import type { Api, RequestContext } from '../api.ts';
import { asOne, describeResult } from '../append-results.ts';
import { readJsonLine } from '../bodies/json.ts';
import { tellProblem } from '../problems.ts';
import { checkBody, checkRoom } from '../read-body.ts';
import { type BodyEnd, bodyReader } from './body-reader.ts';
import { countLines, lineBuffer, linesOf } from './line-buffer.ts';
import { openOutlet } from './outlet.ts';

export type LinesRequest = {
  readonly topic: string;
  readonly partition: number | undefined;
  /** `records`: each line is a record; `values`: each is the value of one. */
  readonly as: 'records' | 'values';
};

/** @throws WadiError whatever an append throws, where nothing was acknowledged yet; later errors are the answer's last line */
export async function produceLines(api: Api, context: RequestContext, { topic, partition, as }: LinesRequest): Promise<Response> {
  const { broker, bodies } = api;
  const { incoming } = context.env;
  checkBody(api, incoming);
  const { id: topicId } = await resolvePartition(broker.topics, topic, partition ?? 0);
  const reader = bodyReader(incoming, api.stopping, limits.lineIdleMs);
  const outlet = openOutlet(api, context, ndjsonType);
  const buffer = lineBuffer();
  let acknowledged = 0;
  let unknown = 0;
  let linesBefore = 0;
  let held = 0;

  async function run(): Promise<void> {
    for (;;) {
      const ended = await gatherLines();
      const taken = buffer.take() ?? (ended === 'end' ? buffer.takeRest() : undefined);
      if (taken !== undefined) await commitLines(taken);
      hold(buffer.restBytes);
      if (ended === 'end' && buffer.restBytes === 0) return;
      if (ended !== undefined && ended !== 'end') throw endedBy(ended);
    }
  }

  /** Until a batch is full, or nothing more has come; answers how the body ended, if it did. */
  async function gatherLines(): Promise<BodyEnd | undefined> {
    while (buffer.lineBytes < limits.lineBatchBytes) {
      const state = buffer.lineBytes > 0 ? await soon() : await reader.wait();
      if (state !== 'more') return state;
      const chunk = reader.read();
      if (buffer.restBytes + chunk.length > bodies.maxBodyBytes) throw new WadiError('body_too_large', `A line has more than ${bodies.maxBodyBytes} bytes.`, { limit: bodies.maxBodyBytes });
      hold(buffer.lineBytes + buffer.restBytes + chunk.length);
      buffer.add(chunk);
    }
    return undefined;
  }

  /** What comes within a turn of the event loop shares the commit. */
  async function soon(): Promise<'more' | BodyEnd | undefined> {
    const now = reader.state();
    if (now !== undefined) return now;
    await new Promise((resolve) => setImmediate(resolve));
    return reader.state();
  }

  async function commitLines(batch: Uint8Array): Promise<void> {
    let records: RecordToAppend[] = [];
    const lineOf: number[] = [];
    const now = broker.clock.nowMs();
    let failure: unknown;
    for (const line of linesOf(batch)) {
      try {
        records.push(readJsonLine(batch, line, as, now));
      } catch (error) {
        failure = ofLine(error, linesBefore + line.number);
        break;
      }
      lineOf.push(linesBefore + line.number);
      if (records.length < limits.maxRecordsPerRequest) continue;
      await commit(records, lineOf);
      records = [];
      lineOf.length = 0;
    }
    if (records.length > 0) await commit(records, lineOf);
    linesBefore += countLines(batch);
    if (failure !== undefined) throw failure;
  }

  async function commit(records: readonly RecordToAppend[], lineOf: readonly number[]): Promise<void> {
    let appended: AppendAnswer;
    try {
      appended = await appendRecords(broker, { topic, topicId, partition, records: () => records });
    } catch (error) {
      const bad = error instanceof WadiError ? error.facts['record'] : undefined;
      if (typeof bad !== 'number') throw error;
      if (bad > 0) await commit(records.slice(0, bad), lineOf);
      throw ofLine(error, lineOf[bad] as number);
    }
    const { results } = appended;
    for (const result of results) if (!('error' in result)) acknowledged += result.count;
    const failed = results.filter((result) => 'error' in result);
    if (failed.length > 0) {
      for (const { count, error } of failed) if (error.sideEffects !== 'none') unknown += count;
      if (failed.length < results.length) tell({ results: results.map(describeResult), acknowledged });
      throw asOne(failed);
    }
    if (!outlet.behind) tell({ results, acknowledged });
  }

  function hold(bytes: number): void {
    if (bytes > held) checkRoom(bodies, bytes - held);
    bodies.inFlight += bytes - held;
    held = bytes;
  }

  const tell = (line: object): void => outlet.write(`${JSON.stringify(line)}\n`);

  try {
    await run();
    tell({ done: true, topicId, acknowledged });
  } catch (thrown) {
    if (!outlet.begun && acknowledged === 0) throw thrown;
    const error = anyError(thrown);
    tell({ error: tellProblem(api, context, error), acknowledged, unknown });
  } finally {
    hold(0);
    reader.close();
    letGo(api, incoming);
  }
  outlet.watch();
  outlet.end();
  return RESPONSE_ALREADY_SENT;
}

/** The sender may still be at it: what comes is thrown away for a while, so that it can finish, and read its answer. */
function letGo({ broker }: Api, incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return;
  incoming.resume();
  incoming.once(
    'close',
    broker.clock.after(limits.lingerMs, () => incoming.destroy()),
  );
}

/** Where it says "records[0]" it means the one of this line. */
function ofLine(thrown: unknown, line: number): unknown {
  if (!(thrown instanceof WadiError)) return thrown;
  const { record: _, ...facts } = thrown.facts;
  return new WadiError(thrown.code, `Line ${line}: ${thrown.message.replace(/records\[\d+\]/g, 'the record')}`, { ...facts, line });
}

function endedBy(end: Exclude<BodyEnd, 'end'>): WadiError {
  switch (end) {
    case 'cut':
      return new WadiError('body_incomplete', 'The connection ended before the body did. What came after the last end of a line was not written.');
    case 'idle':
      return new WadiError('request_timeout', `Nothing came for ${limits.lineIdleMs / 1000} seconds. Send what follows in another request.`);
    case 'stopping':
      return new WadiError('shutting_down', 'The server is about to stop. Send what follows in another request.');
  }
}
