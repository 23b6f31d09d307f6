// Function URLs without Lambda: an HTTP server that makes each request an event, as Lambda does, gives it to the function
// for its method, and sends what comes back.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AnswerSink, HttpEvent } from '../../src/functions/event.ts';
import type { ServeEvent } from '../../src/functions/serve.ts';
import { type LocalServer, listenLocally } from './local-server.ts';
import type { Received } from './verify-signature.ts';

const timeoutMs = 60_000;

/** @param refusal why a request does not reach the function, as one that is not signed does not */
export async function serveFunctions(
  { produce, fetch }: Readonly<Record<'produce' | 'fetch', ServeEvent>>,
  refusal: (request: Received) => string | undefined = () => undefined,
): Promise<LocalServer> {
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      // The client has gone.
      if (response.destroyed) return;
      console.error(error);
      response.destroy();
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url = '/', headers } = request;
    const refused = refusal({ method, url, headers, body });
    if (refused !== undefined) return void response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ Message: `Forbidden: ${refused}` }));
    const untilMs = Date.now() + timeoutMs;
    const context = { getRemainingTimeInMillis: () => untilMs - Date.now() };
    await (request.method === 'GET' || request.method === 'HEAD' ? fetch : produce)(eventOf(request, body), sinkOf(response), context);
  }

  return listenLocally(server);
}

/** As Lambda makes it: names in lower case, bodies of text as they are and others in base64. */
function eventOf({ method = '', url = '/', headers }: IncomingMessage, body: Buffer): HttpEvent {
  const [rawPath = '/', rawQueryString = ''] = url.split(/\?(.*)/s);
  const isBase64Encoded = !/^(text\/|application\/json)/.test(headers['content-type'] ?? '');
  return {
    rawPath,
    rawQueryString,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : (value ?? '')])),
    requestContext: { http: { method } },
    ...(body.length === 0 ? {} : { body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded }),
  };
}

const sinkOf = (response: ServerResponse): AnswerSink => ({
  head: (status, headers) => void response.writeHead(status, headers),
  write: (bytes, taken) => void response.write(bytes, taken),
  end: (ended) => void response.end(ended),
});
