// The three requests that the example makes, with nothing but `fetch`. A request that got no answer, or one that
// says "try again", throws LostAnswer: what it did is then unknown and must be settled by the caller.

type FlightRecord = { readonly offset: number; readonly key: string; readonly value: { readonly row: number; readonly origin: string } };
export type Page = { readonly records: readonly FlightRecord[]; readonly nextOffset: number; readonly endOffset: number };

/** `url` may change while the program runs: the server that it kills comes back on another port. */
export type Topic = { url: string; readonly name: string; readonly partitions: number };

type Problem = { readonly code: string; readonly detail: string; readonly retryable: boolean };

export class LostAnswer extends Error {}

export async function createTopic(topic: Topic): Promise<void> {
  await call(topic, `/v1/topics/${topic.name}`, { method: 'PUT', body: JSON.stringify({ partitions: topic.partitions }) });
}

/**
 * Appends records to a partition if, and only if, it ends at `expectedOffset`. So a request that is sent again, or
 * one that was given up and is still under way somewhere, can never append a second time: at most one can find
 * the end where it expects it. False means that the partition ends elsewhere.
 */
export async function append(topic: Topic, partition: number, expectedOffset: number, records: readonly string[]): Promise<boolean> {
  const answer = await call(topic, `/v1/topics/${topic.name}/partitions/${partition}/records`, {
    method: 'POST',
    headers: { 'Wadi-Expected-Offset': String(expectedOffset) },
    body: `{"records":[${records.join(',')}]}`,
  });
  return answer !== undefined;
}

/** A page of a partition from `offset` on. */
export async function fetchPage(topic: Topic, partition: number, offset: number): Promise<Page> {
  const query = new URLSearchParams({ offset: String(offset), limit: '10000', maxBytes: String(4 * 1024 * 1024) });
  return (await call(topic, `/v1/topics/${topic.name}/partitions/${partition}/records?${query}`, { method: 'GET' })) as Page;
}

/** The answer; undefined for 412 (the expected offset was not the end). */
async function call(topic: Topic, path: string, request: RequestInit): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json', ...request.headers };
  const { status, answer } = await fetch(`${topic.url}${path}`, { ...request, headers })
    .then(async (response) => ({ status: response.status, answer: (await response.json()) as Problem }))
    .catch((error: Error) => Promise.reject(new LostAnswer(error.message)));
  if (status === 200 || status === 201) return answer;
  if (status === 412) return undefined;
  if (answer.retryable === true) throw new LostAnswer(answer.detail);
  throw new Error(`${request.method} ${path}: ${status} ${answer.code}: ${answer.detail}`);
}

/** Runs `work` until the server answers it; waits a little longer after each failure, a minute in all. */
export async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + 60_000;
  for (let waitMs = 20; ; waitMs = Math.min(1_000, waitMs * 2)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LostAnswer) || performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())));
    }
  }
}
