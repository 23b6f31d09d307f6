// Listening: Node's HTTP server with the limits that stand before any route, and its end, which answers what was
// accepted.

import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { problemType } from '../http/answer.ts';
import type { App } from '../http/app.ts';
import { problemOf } from '../http/problems.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { answerRefused } from './refused.ts';

export type ListenOptions = {
  readonly host: string;
  readonly port: number;
  readonly headersTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
  readonly maxConnectionsPerAddress?: number;
  /** Certificate with its chain, and key, in PEM: HTTPS. */
  readonly tls?: TlsFiles | undefined;
};

export type TlsFiles = { readonly cert: Buffer; readonly key: Buffer };

export type Listening = {
  readonly port: number;
  /** No new connections; resolves when those that are open have had their answers, or after `patienceMs` without them. */
  stop(patienceMs: number): Promise<void>;
  traffic(): { readonly connections: number; readonly receivedBytes: number; readonly sentBytes: number };
  /** For connections that come from now on. @throws where they are no certificate and key */
  renewTls(files: TlsFiles): void;
};

/** How often Node looks for requests that take too long. */
const checkEveryMs = 1_000;

/** @throws the error of the socket: EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOTFOUND; of OpenSSL, for files that are no certificate and key */
export async function listen(app: App, options: ListenOptions): Promise<Listening> {
  const { host, port, headersTimeoutMs = limits.headersTimeoutMs, bodyTimeoutMs = limits.bodyTimeoutMs, maxConnectionsPerAddress = limits.maxConnectionsPerAddress, tls } = options;
  const bounds = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: bodyTimeoutMs,
    connectionsCheckingInterval: Math.min(checkEveryMs, headersTimeoutMs),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
  };
  const tlsServer = tls === undefined ? undefined : createTlsServer({ ...bounds, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: headersTimeoutMs });
  const server = tlsServer ?? createServer(bounds);
  server.maxConnections = limits.maxConnections;
  server.maxRequestsPerSocket = 0;
  const answer = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], { errorHandler: badTarget });
  server.on('request', answer);
  // A client that asks first, as curl does with large bodies, is told to go on only by a handler that reads.
  server.on('checkContinue', (incoming, outgoing) => {
    if (Number(incoming.headers['content-length'] ?? 0) <= limits.maxBodyBytes) outgoing.writeContinue();
    void answer(incoming, outgoing);
  });
  server.on('clientError', answerRefused);
  // A handshake that fails is the client's affair.
  server.on('tlsClientError', () => {});
  const sockets = new Set<Socket>();
  const ended = { receivedBytes: 0, sentBytes: 0 };
  const fromAddress = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const others = fromAddress.get(address) ?? 0;
    if (others >= maxConnectionsPerAddress) {
      socket.destroy();
      return;
    }
    fromAddress.set(address, others + 1);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      ended.receivedBytes += socket.bytesRead;
      ended.sentBytes += socket.bytesWritten;
      const left = (fromAddress.get(address) ?? 1) - 1;
      if (left === 0) fromAddress.delete(address);
      else fromAddress.set(address, left);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const traffic = () => {
    const total = { connections: sockets.size, ...ended };
    for (const { bytesRead, bytesWritten } of sockets) {
      total.receivedBytes += bytesRead;
      total.sentBytes += bytesWritten;
    }
    return total;
  };
  return { port: (server.address() as AddressInfo).port, traffic, stop: (patienceMs) => stop(server, sockets, patienceMs), renewTls: (files) => tlsServer?.setSecureContext(files) };
}

function stop(server: Server, sockets: ReadonlySet<Socket>, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => server.closeAllConnections(), patienceMs);
    server.close(() => {
      clearTimeout(impatient);
      resolve();
    });
    // Node takes a connection that never asked anything (browsers open some in advance) for one whose request is on its way.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  });
}

/** Only what cannot be made a URL comes here; every other error is the application's. */
function badTarget(): Response {
  const problem = problemOf(new WadiError('invalid_request', 'The request target or the Host header is not valid.'));
  return new Response(JSON.stringify(problem), { status: problem.status, headers: { 'Content-Type': problemType } });
}
