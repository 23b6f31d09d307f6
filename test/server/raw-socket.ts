// A bare TCP connection, for requests that no HTTP client would send.

import { connect, type Socket } from 'node:net';

export type Connection = {
  readonly socket: Socket;
  write(bytes: string): void;
  /** What came so far. */
  received(): string;
  /** Resolves once what came matches. */
  until(pattern: RegExp): Promise<string>;
  readonly closed: Promise<string>;
};

export function openConnection(url: string): Connection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let received = '';
  const waiting = new Set<() => void>();
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk;
    for (const check of waiting) check();
  });
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    received: () => received,
    closed,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!pattern.test(received)) return;
          waiting.delete(check);
          resolve(received);
        };
        waiting.add(check);
        void closed.then(() => reject(new Error(`the connection closed after: ${received}`)));
        check();
      }),
  };
}

/** The head of a POST of JSON. */
export const post = (path: string, headers: string): string => `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`;
