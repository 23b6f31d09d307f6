// What stands between an agent and the server: it hands requests on, or answers as it is told, and remembers both.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Seen = { readonly body: string; readonly status: number };

export type Front = {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** The next request is answered with this status, and not handed on. */
  answerNext(status: number): void;
  /** Resolves when `holds` is true of what was answered so far. */
  until(holds: (seen: readonly Seen[]) => boolean): Promise<void>;
  close(): void;
};

export async function startFront(target: string): Promise<Front> {
  const seen: Seen[] = [];
  const planned: number[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (incoming, outgoing) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const status = planned.shift() ?? (await handOn(incoming.url ?? '', incoming.headers['content-type'] ?? '', body));
    outgoing.writeHead(status).end();
    seen.push({ body: body.toString(), status });
    for (const look of waiting) look();
  });

  async function handOn(path: string, type: string, body: Buffer): Promise<number> {
    const answer = await fetch(target + path, { method: 'POST', headers: { 'content-type': type }, body: new Uint8Array(body) });
    await answer.arrayBuffer();
    return answer.status;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answerNext: (status) => void planned.push(status),
    until: (holds) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!holds(seen)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
