// Fetch by lines: a record a line, page by page to the end that the log had when the request came, no faster than the
// reader takes them; the last line is the position, or the error that ended the answer.

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { anyError } from '../../broker/failures.ts';
import { WadiError } from '../../record/errors.ts';
import { limits } from '../../record/limits.ts';
import { answerHead, ndjsonType } from '../answer.ts';
import type { Api, RequestContext } from '../api.ts';
import { writeJsonLines } from '../bodies/json.ts';
import { bytesOf, type Page, type ReadPage } from '../pages.ts';
import { tellProblem } from '../problems.ts';
import { openOutlet } from './outlet.ts';

export type LinesOptions = {
  readonly waitMs: number;
  readonly encoding: 'base64' | undefined;
  /** Of the whole answer; at least one record is answered. */
  readonly maxRecords: number;
  readonly maxBytes: number;
};

/** @throws WadiError whatever the first page throws */
export async function fetchLines(api: Api, context: RequestContext, readPage: ReadPage, { waitMs, encoding, maxRecords, maxBytes }: LinesOptions): Promise<Response> {
  const outlet = openOutlet(api, context, ndjsonType);
  let recordsLeft = maxRecords;
  let bytesLeft = maxBytes;
  const next = (wait: number): Promise<Page> =>
    readPage({ budget: { maxRecords: Math.min(recordsLeft, limits.linePageRecords), maxBytes: Math.min(bytesLeft, limits.linePageBytes), inPassing: true }, waitMs: wait, signal: outlet.over });
  let page = await next(waitMs);
  const goal = page.partitions.map(({ endOffset }) => endOffset);
  const isThere = (): boolean => page.partitions.every(({ nextOffset }, i) => nextOffset >= (goal[i] ?? 0));

  function writeLines(records: Page['records']): void {
    const lines = writeJsonLines(records, encoding);
    if (!outlet.hasRoom(lines.length)) throw new WadiError('server_busy', 'Too many bytes of answers are in flight in this server. Go on after a moment.');
    outlet.write(lines);
    recordsLeft -= records.length;
    // A page that was to hold all that is left may leave a little, too little for the next record.
    bytesLeft = bytesLeft <= limits.linePageBytes ? 0 : bytesLeft - bytesOf(records);
  }

  if (context.req.method === 'HEAD') return answerHead(api, context, ndjsonType);
  outlet.watch();
  try {
    for (;;) {
      writeLines(page.records);
      // Not kept while a slow reader takes the lines.
      page = { ...page, records: [] };
      await outlet.drained();
      if (outlet.gone) break;
      if (isThere() || recordsLeft <= 0 || bytesLeft <= 0 || api.stopping.aborted) break;
      page = await next(0);
    }
    outlet.write(`${JSON.stringify({ topicId: page.topicId, ...page.position })}\n`);
  } catch (thrown) {
    outlet.write(`${JSON.stringify({ error: tellProblem(api, context, anyError(thrown)), ...page.position })}\n`);
  }
  outlet.end();
  return RESPONSE_ALREADY_SENT;
}
