// Sends flights so that each stands in the log exactly once and in order, whatever happens to the server.
//
// One pipeline for each partition, with one request under way: order within a partition, and so within a key, is
// the order of the file. A request that got no answer is settled before anything later is sent: the pipeline reads
// the partition on from the last offset that it knows, sees which rows stand, and sends only the others.

import { append, fetchPage, LostAnswer, type Topic, untilAnswered } from './api.ts';
import { type Flight, partitionOf } from './flights.ts';

export type Sent = { readonly requests: number; readonly lostAnswers: number /** Rows whose answer was lost, and which stood nevertheless. */; readonly foundStanding: number };

const rowsPerRequest = 1_000;

/** `onSent` is told how many rows more are known to stand. */
export async function sendFlights(topic: Topic, flights: readonly Flight[], onSent: (rows: number) => void): Promise<Sent> {
  const queues = Array.from({ length: topic.partitions }, (): Flight[] => []);
  for (const flight of flights) queues[partitionOf(flight.origin, topic.partitions)]?.push(flight);
  const sent = await Promise.all(queues.map((queue, partition) => sendPartition(topic, partition, queue, onSent)));
  return {
    requests: sent.reduce((sum, { requests }) => sum + requests, 0),
    lostAnswers: sent.reduce((sum, { lostAnswers }) => sum + lostAnswers, 0),
    foundStanding: sent.reduce((sum, { foundStanding }) => sum + foundStanding, 0),
  };
}

async function sendPartition(topic: Topic, partition: number, queue: readonly Flight[], onSent: (rows: number) => void): Promise<Sent> {
  let requests = 0;
  let lostAnswers = 0;
  let foundStanding = 0;
  // The topic is new and nobody else writes to it: the rows of this partition stand at the offsets 0, 1, 2 …,
  // so `next` is both the next row of the queue and the end of the partition.
  for (let next = 0; next < queue.length; ) {
    const rows = queue.slice(next, next + rowsPerRequest);
    requests++;
    const appended = await append(topic, partition, next, rows.map(toRecord)).catch((error: unknown) => {
      if (!(error instanceof LostAnswer)) throw error;
      lostAnswers++;
      return undefined;
    });
    const standing = appended === true ? rows.length : await countStanding(topic, partition, next, queue);
    if (appended !== true) foundStanding += standing;
    next += standing;
    onSent(standing);
  }
  return { requests, lostAnswers, foundStanding };
}

/** How many rows of the queue, from `next` on, stand in the log already. Throws if other rows stand there. */
async function countStanding(topic: Topic, partition: number, next: number, queue: readonly Flight[]): Promise<number> {
  let offset = next;
  for (let endOffset = Number.POSITIVE_INFINITY; offset < endOffset; ) {
    const page = await untilAnswered(() => fetchPage(topic, partition, offset));
    for (const { offset: found, value } of page.records) {
      if (value.row !== queue[found]?.row) throw new Error(`partition ${partition} holds row ${value.row} at offset ${found}, where row ${queue[found]?.row} belongs`);
    }
    offset = page.nextOffset;
    endOffset = page.endOffset;
  }
  return offset - next;
}

const toRecord = ({ origin, value }: Flight): string => `{"key":${JSON.stringify(origin)},"value":${value}}`;
