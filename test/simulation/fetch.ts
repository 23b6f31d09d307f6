// One fetch by a client, by either way into the engine, and its entry in the history. Stored batches are decoded
// by the tests' own decoder, which shares no code with the engine.

import { type FetchedBatches, fetchBatches, fetchRecords } from '../../src/broker/fetch.ts';
import type { Start } from '../../src/broker/find-offset.ts';
import { decodeBatches } from '../support/record-batch.ts';
import { type Answer, ask } from './client.ts';
import type { Node } from './cluster.ts';
import type { World } from './world.ts';

export type PartitionFetch = {
  readonly topic: string;
  readonly topicId?: string | undefined;
  readonly partition: number;
  readonly start: Start;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly waitMs: number;
  readonly asBatches: boolean;
  readonly limitMs?: number | undefined;
};

type ReadRecord = { readonly offset: number; readonly text: string };

export type Page = {
  readonly topicId: string;
  /** Where the reader began. */
  readonly from: number;
  readonly records: readonly ReadRecord[];
  readonly nextOffset: number;
  readonly startOffset: number;
  readonly endOffset: number;
};

export async function fetchPartition(world: World, node: Node, client: string, session: string, request: PartitionFetch): Promise<Answer<Page>> {
  const { topic, topicId, partition, start, maxRecords, maxBytes, waitMs } = request;
  const began = world.recorder.moment();
  const what = `${client} reads ${topic}/${partition} ${JSON.stringify(start)}`;
  const engineRequest = { topic, topicId, partition, start, budget: { maxRecords, maxBytes }, waitMs };
  const answer = await ask(
    world,
    node,
    what,
    async (broker): Promise<Page> => {
      if (request.asBatches) return pageOf(await fetchBatches(broker, engineRequest));
      const { records, ...rest } = await fetchRecords(broker, engineRequest);
      return {
        ...rest,
        from: start.at === 'offset' ? start.offset : (records[0]?.offset ?? rest.nextOffset),
        records: records.map(({ offset, value }) => ({ offset, text: Buffer.from(value ?? []).toString() })),
      };
    },
    request.limitMs,
  );
  if ('value' in answer) {
    const { topicId: id, ...page } = answer.value;
    world.recorder.topicNames.set(id, topic);
    world.trace.line(`${client} got ${page.records.length} from ${page.from}, next ${page.nextOffset} of ${page.endOffset}`);
    world.recorder.read({ client, session: `${session}@${id}/${partition}`, partition: `${id}/${partition}`, began, ...page });
    if (start.at === 'timestamp' && waitMs === 0) world.recorder.lookUps.push({ partition: `${id}/${partition}`, timestamp: start.timestamp, offset: page.from, endOffset: page.endOffset });
  }
  return answer;
}

/** What a client makes of stored batches: records before the one that it asked for are left out. */
function pageOf({ topicId, startOffset, endOffset, fetchOffset, batches, nextOffset }: FetchedBatches): Page {
  const records = batches.flatMap(({ bytes, start, length }) =>
    decodeBatches(Buffer.from(bytes.subarray(start, start + length))).map(({ offset, value }) => ({ offset, text: (value ?? Buffer.alloc(0)).toString() })),
  );
  return { topicId, startOffset, endOffset, from: fetchOffset, records: records.filter(({ offset }) => offset >= fetchOffset), nextOffset };
}
