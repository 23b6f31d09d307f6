// Where answers of functions go: into the stream that Lambda lends, or into one object.

import type { Writable } from 'node:stream';
import type { AnswerSink, HttpEvent } from './event.ts';
import type { Invocation } from './serve.ts';

type Head = { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> };

/** Lambda's own, in the global scope of Node functions. */
export type LambdaStreams = {
  streamifyResponse(handler: (event: HttpEvent, stream: Writable, context: Invocation) => Promise<void>): unknown;
  readonly HttpResponseStream: { from(stream: Writable, head: Head): Writable };
};

/** The answer of payload format 2.0. */
export type GatheredAnswer = Head & { readonly body: string; readonly isBase64Encoded: boolean };

export function streamSink(stream: Writable, { HttpResponseStream }: Pick<LambdaStreams, 'HttpResponseStream'>): AnswerSink {
  let out = stream;
  let begun = false;
  return {
    head(statusCode, headers) {
      out = HttpResponseStream.from(stream, { statusCode, headers });
    },
    write(bytes, taken) {
      begun = true;
      out.write(bytes, taken);
    },
    end(ended) {
      // Without a write no head is sent either.
      if (!begun) out.write('');
      out.end(ended);
    },
  };
}

export function gatheringSink(): { readonly sink: AnswerSink; answer(): GatheredAnswer } {
  let head: Head = { statusCode: 500, headers: {} };
  const chunks: Buffer[] = [];
  return {
    sink: {
      head(statusCode, headers) {
        head = { statusCode, headers };
      },
      write(bytes, taken) {
        chunks.push(bytes);
        taken();
      },
      end: (ended) => ended(),
    },
    answer() {
      const bytes = Buffer.concat(chunks);
      const isBase64Encoded = !isText(head.headers);
      return { ...head, body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
    },
  };
}

const isText = (headers: Head['headers']): boolean => /^(text\/|application\/([\w.+-]+\+)?(json|x-ndjson|javascript)\b)/.test(headers['content-type'] ?? headers['Content-Type'] ?? '');
