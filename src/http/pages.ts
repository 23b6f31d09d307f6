// Reading page by page, from one partition or from all of a topic: each page goes on where the last one ended.

import type { Broker } from '../broker/broker.ts';
import { fetchRecords, recordBytes } from '../broker/fetch.ts';
import { fetchTopic } from '../broker/fetch-topic.ts';
import type { Start } from '../broker/find-offset.ts';
import type { Budget } from '../broker/read-log.ts';
import type { RecordToWrite } from './bodies/json.ts';

export type PageOptions = { readonly budget: Budget; readonly waitMs: number; readonly signal?: AbortSignal | undefined };

export type Page = {
  readonly topicId: string;
  readonly records: readonly RecordToWrite[];
  /** Where the reader goes on, in one text: an offset, or a cursor. */
  readonly id: string;
  /** What an answer says besides the records. */
  readonly position: object;
  /** For each partition read, by its number in the page. */
  readonly partitions: readonly { readonly nextOffset: number; readonly endOffset: number }[];
};

export type ReadPage = (options: PageOptions) => Promise<Page>;

export function partitionPages(broker: Broker, request: { readonly topic: string; readonly topicId: string | undefined; readonly partition: number; readonly start: Start }): ReadPage {
  const { partition } = request;
  let { topicId, start } = request;
  return async (options) => {
    const page = await fetchRecords(broker, { ...request, ...options, topicId, start });
    const { nextOffset, endOffset, startOffset } = page;
    topicId = page.topicId;
    start = { at: 'offset', offset: nextOffset };
    return {
      topicId,
      records: page.records.map((record) => ({ ...record, partition })),
      id: String(nextOffset),
      position: { nextOffset, endOffset, startOffset },
      partitions: [{ nextOffset, endOffset }],
    };
  };
}

export function topicPages(
  broker: Broker,
  request: { readonly topic: string; readonly topicId: string | undefined; readonly from: { readonly cursor: string } | { readonly start: Start } },
): ReadPage {
  let { topicId, from } = request;
  return async (options) => {
    const { records, cursor, partitions, ...page } = await fetchTopic(broker, { ...request, ...options, topicId, from });
    topicId = page.topicId;
    from = { cursor };
    return { topicId, records, id: cursor, position: { cursor, partitions }, partitions };
  };
}

export const bytesOf = (records: readonly RecordToWrite[]): number => records.reduce((sum, record) => sum + recordBytes(record), 0);
