// What every part of the streams suite is given.

import type { startProgress } from '../support/progress.ts';
import type { ServerProcess } from '../support/server-process.ts';

type Server = ServerProcess & { readonly url: string };

export type Run = {
  readonly records: number;
  readonly cuts: number;
  readonly seed: number;
  /** Another server on the same folder. */
  start(): Promise<Server>;
  server: Server;
  readonly progress: typeof startProgress;
  check(name: string, problems: readonly string[]): void;
  /** Resident memory of the server now. */
  serverMiB(): number;
};

export const ndjson = 'application/x-ndjson';

export async function createTopic({ server }: Run, name: string, partitions: number): Promise<string> {
  const response = await fetch(`${server.url}/v1/topics/${name}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ partitions }) });
  if (!response.ok) throw new Error(await response.text());
  return `/v1/topics/${name}`;
}

export type Line = { readonly partition?: number; readonly offset?: number; readonly key?: string; readonly value?: unknown; readonly [other: string]: unknown };

/** Lines of an answer as they come, parsed. */
export async function* linesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as Line;
  }
  if (rest !== '') throw new Error(`a last line without its end: ${rest.slice(0, 100)}`);
}

/** A body of lines, made as it is sent. */
export function bodyOf(lines: Iterable<string>): ReadableStream<Uint8Array> {
  const next = lines[Symbol.iterator]();
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      let chunk = '';
      while (chunk.length < 64 * 1024) {
        const { value, done } = next.next();
        if (done === true) break;
        chunk += value;
      }
      if (chunk === '') controller.close();
      else controller.enqueue(Buffer.from(chunk));
    },
  });
}
