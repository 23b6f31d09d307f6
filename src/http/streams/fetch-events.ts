// Fetch as server-sent events: a page of records an event, as it comes, for as long as the reader stays. An event's id
// is the position after it, so a reader that comes back with Last-Event-ID misses nothing and sees nothing twice (I7).

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { anyError } from '../../broker/failures.ts';
import { limits } from '../../record/limits.ts';
import { answerHead, eventStreamType } from '../answer.ts';
import type { Api, RequestContext } from '../api.ts';
import { writeJsonRecords } from '../bodies/json.ts';
import type { Page, PageOptions, ReadPage } from '../pages.ts';
import { tellProblem } from '../problems.ts';
import { openOutlet } from './outlet.ts';

export type EventsOptions = {
  readonly encoding: 'base64' | undefined;
  /** Of one event. */
  readonly budget: PageOptions['budget'];
};

/** After how long a browser comes back. */
const retryMs = 1000;

/** @throws WadiError whatever the first page throws */
export async function fetchEvents(api: Api, context: RequestContext, readPage: ReadPage, { encoding, budget }: EventsOptions): Promise<Response> {
  const outlet = openOutlet(api, context, eventStreamType);
  const next = (waitMs: number): Promise<Page> => readPage({ budget, waitMs, signal: outlet.over });
  let page = await next(0);
  if (context.req.method === 'HEAD') return answerHead(api, context, eventStreamType);
  outlet.watch();
  // An event of an id alone is told to nobody, but comes back as Last-Event-ID: the reader has a place from now on.
  outlet.write(`retry: ${retryMs}\n${page.records.length === 0 ? `id: ${page.id}\n` : ''}\n`);
  try {
    for (;;) {
      const event = page.records.length === 0 ? heartbeat : eventOf(page, encoding);
      // Ended instead: the reader comes back, perhaps to a server with room.
      if (!outlet.hasRoom(event.length)) break;
      outlet.write(event);
      // Not kept while a slow reader takes the event.
      page = { ...page, records: [] };
      await outlet.drained();
      if (outlet.over.aborted) break;
      page = await next(limits.heartbeatMs);
    }
  } catch (thrown) {
    outlet.write(`event: problem\ndata: ${JSON.stringify(tellProblem(api, context, anyError(thrown)))}\n\n`);
  }
  outlet.end();
  return RESPONSE_ALREADY_SENT;
}

const heartbeat = Buffer.from(':\n\n');

/** The same object as a page of JSON, in one line. */
function eventOf({ topicId, records, id, position }: Page, encoding: 'base64' | undefined): Buffer {
  const head = Buffer.from(`id: ${id}\ndata: {"topicId":"${topicId}",`);
  return Buffer.concat([head, writeJsonRecords(records, { encoding, oneLine: true }), Buffer.from(`,${JSON.stringify(position).slice(1)}\n\n`)]);
}
