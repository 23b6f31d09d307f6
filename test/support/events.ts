// A reader of server-sent events, by the rules of the HTML standard (9.2.6), on one connection.

type ServerEvent = { readonly id: string; readonly name: string; readonly data: string; readonly retryMs: number | undefined };

export type Events = {
  readonly headers: Headers;
  /** The next event that has data. @throws where the stream ends or breaks off first */
  next(): Promise<ServerEvent>;
  /** The id that a reader would come back with, once there is one. */
  place(): Promise<string>;
  close(): void;
};

/** @throws Error for an answer that is no 200 */
export async function openEvents(url: string, lastEventId?: string): Promise<Events> {
  const controller = new AbortController();
  const headers = { accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
  const response = await fetch(url, { headers, signal: controller.signal });
  if (response.status !== 200 || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  const blocks = blocksOf(response.body);
  let id = lastEventId ?? '';
  let retryMs: number | undefined;

  async function nextBlock(): Promise<{ name: string; data: string[]; withId: boolean }> {
    const { value: lines, done } = await blocks.next();
    if (done === true) throw new Error('the stream ended');
    const block = { name: 'message', data: [] as string[], withId: false };
    for (const line of lines) {
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'id') [id, block.withId] = [value, true];
      else if (field === 'event') block.name = value;
      else if (field === 'data') block.data.push(value);
      else if (field === 'retry') retryMs = Number(value);
    }
    return block;
  }

  return {
    headers: response.headers,
    async next() {
      for (;;) {
        const { name, data } = await nextBlock();
        if (data.length > 0) return { id, name, data: data.join('\n'), retryMs };
      }
    },
    async place() {
      while (!(await nextBlock()).withId);
      return id;
    },
    close: () => controller.abort(),
  };
}

/** What stands between empty lines; a block that is broken off is dropped. */
async function* blocksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      yield rest.slice(0, end).split('\n');
      rest = rest.slice(end + 2);
    }
  }
}
