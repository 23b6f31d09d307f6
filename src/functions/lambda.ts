// What Lambda calls: a handler whose answers stream, so that they may be large, and so that what is left behind an answer
// does not hold it up. Where Lambda gives no stream, as behind an HTTP API, the answer is gathered.

import { readEnvironment } from './environment.ts';
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
