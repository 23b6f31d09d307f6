// One address for both function URLs: GET and HEAD go to the read URL, all else to the write URL. LocalStack knows a
// function URL by the host it is asked for, and listens on one address for all of them.

import { Agent, createServer, request as httpRequest } from 'node:http';
import { type LocalServer, listenLocally } from '../support/local-server.ts';
import type { Deployment } from './deployment.ts';

export async function startUrlFront({ readUrl, writeUrl }: Pick<Deployment, 'readUrl' | 'writeUrl'>): Promise<LocalServer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const { host, port } = new URL(method === 'GET' || method === 'HEAD' ? readUrl : writeUrl);
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    // As Lambda does, it takes the request whole.
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const { 'transfer-encoding': _, ...rest } = headers;
      const framing = body.length > 0 || 'content-length' in headers ? { 'content-length': String(body.length) } : {};
      const forwarded = httpRequest({ host: '127.0.0.1', port, method, path: url, headers: { ...rest, ...framing, host }, agent }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forwarded.destroy());
      forwarded.end(body);
    });
  });
  const { url, close } = await listenLocally(server);
  return { url, close: () => close().finally(() => agent.destroy()) };
}
