// What Lambda calls: a handler whose answers stream, so that they may be large, and so that what is left behind an answer
// does not hold it up. Where Lambda gives no stream, as behind an HTTP API, the answer is gathered.

import './global-response.ts';

import { readEnvironment } from './environment.ts';
import type { HttpEvent } from './event.ts';
import { createFunction, type FunctionOptions, type Invocation } from './serve.ts';
import { type GatheredAnswer, gatheringSink, type LambdaStreams, streamSink } from './sinks.ts';

/** For HTTP requests of its role. @throws Error where a variable is missing */
export function lambdaHandler(role: FunctionOptions['role']): unknown {
  const serve = createFunction({ ...readEnvironment(), role, otherUrl: process.env['WADI_OTHER_URL']?.replace(/\/$/, '') });
  const { awslambda } = globalThis as { awslambda?: Partial<LambdaStreams> };
  // The SDK makes an empty one where there is none.
  if (awslambda?.streamifyResponse !== undefined) {
    const streams = awslambda as LambdaStreams;
    return streams.streamifyResponse((event, stream, context) => serve(event, streamSink(stream, streams), context));
  }
  return async (event: HttpEvent, context: Invocation): Promise<GatheredAnswer> => {
    const { sink, answer } = gatheringSink();
    await serve(event, sink, context);
    return answer();
  };
}
