// One HTTP request to a server that may be killed at any moment: answers the reply, or throws ConnectionLost
// where no whole reply came, and then nobody knows whether the request took effect.

import { Agent, request as httpRequest } from 'node:http';

export type Reply = { readonly status: number; readonly headers: NodeJS.Dict<string | string[]>; readonly body: Buffer };
export type Request = { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer };
export type Send = (path: string, request?: Request) => Promise<Reply>;

export class ConnectionLost extends Error {
  /** False if the connection was refused: then the server saw nothing of it. */
  readonly sent: boolean;
  /** The server kept the connection and did not answer in time, which no crash explains. */
  readonly timedOut: boolean;
  constructor(message: string, sent: boolean, timedOut: boolean) {
    super(message);
    this.name = 'ConnectionLost';
    this.sent = sent;
    this.timedOut = timedOut;
  }
}

/** `url` is asked for each request, since a server that was started again has another port. */
export function createSend(url: () => string, timeoutMs: number): Send {
  const agent = new Agent({ keepAlive: true });
  return (path, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      let timedOut = false;
      const lost = (error: NodeJS.ErrnoException) => reject(new ConnectionLost(error.code ?? error.message, error.code !== 'ECONNREFUSED', timedOut));
      const request = httpRequest(
        `${url()}${path}`,
        { method, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) }, agent, timeout: timeoutMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', lost);
          response.on('end', () => {
            if (response.complete) resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
            else lost(new Error('reply cut off'));
          });
        },
      );
      request.on('error', lost);
      request.on('timeout', () => {
        timedOut = true;
        request.destroy(new Error('no answer in time'));
      });
      request.end(body);
    });
}
