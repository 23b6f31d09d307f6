// List and describe topics, from counts that are kept as records come and go, never by a scan of the log.

import { decodeTotals, noTotals } from '../log/format.ts';
import { parseHead, totalsOf } from '../log/head.ts';
import { headKey, manifestKey, topicKey, topicNames } from '../log/keys.ts';
import { parseTopic, type Topic } from '../log/topic.ts';
import type { Item } from '../log/write.ts';
import type { Broker } from './broker.ts';
import { gone } from './fetch.ts';

export type PartitionDescription = {
  readonly partition: number;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Of record batches, as stored. */
  readonly bytes: number;
  /** Pieces in which they are stored: the fewer, the cheaper to read. */
  readonly objects: number;
};

/** Cost: two reads for the topic and two for each partition. @throws WadiError topic_not_found; StoreFailure */
export async function describeTopic(broker: Broker, name: string): Promise<{ topic: Topic; partitions: PartitionDescription[] }> {
  const topic = await broker.topics.resolve(name, { fresh: true });
  const numbers = Array.from({ length: topic.partitions }, (_, partition) => partition);
  const items = await broker.ledger.read(
    numbers.flatMap((partition) => [headKey(topic.id, partition), manifestKey(topic.id, partition)]),
    { strong: true },
  );
  const partitions = numbers.map((partition) => {
    const [head, manifest] = [items[2 * partition], items[2 * partition + 1]];
    if (head === undefined || manifest === undefined) throw gone(broker, topic);
    return { partition, ...count(head, manifest) };
  });
  return { topic, partitions };
}

function count(headItem: Item, manifest: Item): Omit<PartitionDescription, 'partition'> {
  const head = parseHead(headItem);
  const all = totalsOf(head);
  const compacted = manifest['tl'] instanceof Uint8Array ? decodeTotals(manifest['tl']) : noTotals;
  const held = (name: string): number => (typeof manifest[name] === 'number' ? manifest[name] : 0);
  return {
    startOffset: held('ls'),
    endOffset: head.nextOffset,
    bytes: held('by') + all.bytes - compacted.bytes,
    objects: held('ob') + all.refs - compacted.refs,
  };
}

/** In order of name, those after `after`; `next`, where there are more, is the name to go on after. Cost: a scan of the page and a read for each topic. @throws StoreFailure */
export async function listTopics(broker: Broker, { after, limit }: { readonly after?: string | undefined; readonly limit: number }): Promise<{ topics: Topic[]; next: string | undefined }> {
  // No character of a name sorts as low as "!".
  const page = await broker.ledger.scan({ pk: topicNames, ...(after === undefined ? {} : { from: `${after}!` }), limit, strong: true });
  const ids = page.items.map(({ item }) => String(item['u']));
  const items = await broker.ledger.read(ids.map(topicKey), { strong: true });
  const topics = items.flatMap((item, i) => (item === undefined ? [] : [parseTopic(ids[i] as string, item)]));
  return { topics: topics.filter(({ state }) => state === 'live'), next: page.more ? page.items.at(-1)?.sk : undefined };
}
