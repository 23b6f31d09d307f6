// What Lambda calls: a handler whose answers stream, so that they may be large, and so that what is left behind an answer
// does not hold it up. Where Lambda gives no stream, as behind an HTTP API, the answer is gathered.

import { connectCloud } from '../wiring/cloud.ts';
import { createLog, logLevels } from '../wiring/log.ts';
import { type CompactorOptions, createCompactor } from './compact.ts';
import type { HttpEvent } from './event.ts';
import { createFunction, type FunctionOptions, type Invocation } from './serve.ts';
import { type GatheredAnswer, gatheringSink, type LambdaStreams, streamSink } from './sinks.ts';

/** For HTTP requests of its role. @throws Error where a variable is missing */
export function lambdaHandler(role: FunctionOptions['role']): unknown {
  const serve = createFunction({ ...readEnvironment(), role, version: process.env['WADI_VERSION'] ?? 'unknown', otherUrl: process.env['WADI_OTHER_URL'] });
  const { awslambda } = globalThis as { awslambda?: LambdaStreams };
  if (awslambda !== undefined) return awslambda.streamifyResponse((event, stream, context) => serve(event, streamSink(stream, awslambda), context));
  return async (event: HttpEvent, context: Invocation): Promise<GatheredAnswer> => {
    const { sink, answer } = gatheringSink();
    await serve(event, sink, context);
    return answer();
  };
}

/** For a timer, whatever its event. @throws Error where a variable is missing */
export function compactorHandler(): (event: unknown, context: Invocation) => Promise<{ readonly settled: number }> {
  const compact = createCompactor(readEnvironment());
  return (_, context) => compact(context);
}

/** Asks nobody anything yet. */
function readEnvironment(): CompactorOptions {
  const { WADI_TABLE: table, WADI_BUCKET: bucket, WADI_LOG_LEVEL, WADI_S3_PATH_STYLE } = process.env;
  if (!table || !bucket) throw new Error('WADI_TABLE and WADI_BUCKET name the table and the bucket: set both in the environment of the function.');
  const level = logLevels.find((known) => known === WADI_LOG_LEVEL) ?? 'info';
  return {
    stores: connectCloud({ table, bucket, aws: {}, pathStyle: WADI_S3_PATH_STYLE === 'true' }),
    log: createLog(level, 'json', (line) => void process.stdout.write(line)),
  };
}
