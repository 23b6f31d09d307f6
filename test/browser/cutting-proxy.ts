// A TCP proxy that cuts the connection of a stream: after so many bytes of what the server sends, wherever that falls.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type CuttingProxy = {
  readonly url: string;
  /** Passes so many bytes more of the streams' answers, then cuts the connection. Resolves when it is cut. */
  cutAfter(bytes: number): Promise<void>;
  close(): void;
};

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  let onCut: (() => void) | undefined;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let isStream = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
    }
    near.on('data', (chunk: Buffer) => {
      isStream ||= chunk.includes('text/event-stream');
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (!isStream || chunk.length < left) {
        if (isStream) left -= chunk.length;
        near.write(chunk);
        return;
      }
      const rest = chunk.subarray(0, left);
      left = Number.POSITIVE_INFINITY;
      // What was passed on arrives before the end of the connection does.
      near.write(rest, () => near.destroy());
      onCut?.();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfter(bytes) {
      left = bytes;
      return new Promise((resolve) => (onCut = resolve));
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
