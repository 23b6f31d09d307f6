// What Lambda calls: a handler whose answers stream, so that they may be large, and so that what is left behind an answer
// does not hold it up. Where Lambda gives no stream, as behind an HTTP API, the answer is gathered.

import { connectCloud } from '../wiring/cloud.ts';
import { createLog, type LogLevel, logLevels } from '../wiring/log.ts';
import type { HttpEvent } from './event.ts';
import { createFunction, type FunctionOptions, type Invocation } from './serve.ts';
import { type GatheredAnswer, gatheringSink, type LambdaStreams, streamSink } from './sinks.ts';

/** Reads the environment, and asks nobody anything yet. @throws Error where a variable is missing */
export function lambdaHandler(role: FunctionOptions['role']): unknown {
  const { WADI_TABLE, WADI_BUCKET, WADI_OTHER_URL, WADI_LOG_LEVEL = 'info', WADI_S3_PATH_STYLE, WADI_VERSION = 'unknown' } = process.env;
  if (!WADI_TABLE || !WADI_BUCKET) throw new Error('WADI_TABLE and WADI_BUCKET name the table and the bucket: set both in the environment of the function.');
  const level = logLevels.includes(WADI_LOG_LEVEL as LogLevel) ? (WADI_LOG_LEVEL as LogLevel) : 'info';
  const serve = createFunction({
    role,
    stores: connectCloud({ table: WADI_TABLE, bucket: WADI_BUCKET, aws: {}, pathStyle: WADI_S3_PATH_STYLE === 'true' }),
    version: WADI_VERSION,
    otherUrl: WADI_OTHER_URL,
    log: createLog(level, 'json', (line) => void process.stdout.write(line)),
  });
  const { awslambda } = globalThis as { awslambda?: LambdaStreams };
  if (awslambda !== undefined) return awslambda.streamifyResponse((event, stream, context) => serve(event, streamSink(stream, awslambda), context));
  return async (event: HttpEvent, context: Invocation): Promise<GatheredAnswer> => {
    const { sink, answer } = gatheringSink();
    await serve(event, sink, context);
    return answer();
  };
}
