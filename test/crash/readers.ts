// Readers of the crash test: sessions that follow each partition by long polls, as JSON and as record batches;
// one that follows the whole topic by its cursor; and auditors that read old pages again (I2).

import { setTimeout as wait } from 'node:timers/promises';
import type { SeededRandom } from '../support/random.ts';
import { decodeBatches } from '../support/record-batch.ts';
import { ConnectionLost, type Reply } from './http.ts';
import { parse, type World } from './world.ts';

type Format = 'JSON' | 'batches';
type Page = { readonly records: readonly { readonly offset: number; readonly text: string }[]; readonly nextOffset: number; readonly startOffset: number; readonly endOffset: number };

const mediaTypes = { JSON: 'application/json', batches: 'application/vnd.wadi.record-batches' } as const;

/** One page of a partition, recorded; undefined where the connection was lost or the answer was an error. */
export async function readPage(world: World, session: string, partition: number, from: number, format: Format, query = ''): Promise<Page | undefined> {
  const { recorder, topic } = world;
  const began = recorder.moment();
  const reply = await get(world, `/v1/topics/${topic.name}/partitions/${partition}/records?offset=${from}${query}`, format, session);
  if (reply === undefined) return undefined;
  const page = format === 'JSON' ? pageOfJson(world, reply) : pageOfBatches(world, reply, from);
  recorder.read({ client: session, session, partition: `${topic.id}/${partition}`, from, began, ...page }, format);
  return page;
}

async function get(world: World, path: string, format: Format, who: string): Promise<Reply | undefined> {
  try {
    const reply = await world.send(path, { headers: { accept: mediaTypes[format] } });
    if (reply.status === 200) return reply;
    const { code, detail, endOffset } = parse(reply) ?? {};
    world.recorder.complain(`fetch ${format}: ${reply.status} ${code} for ${who} at ${path.split('?')[1]}: ${detail} ${endOffset ?? ''}`);
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    if (error.timedOut) world.recorder.complain(`fetch ${format}: no answer within the time limit`);
  }
  await world.target.up();
  return undefined;
}

type JsonRecord = { readonly partition: number; readonly offset: number; readonly value: unknown; readonly valueEncoding?: 'text' | 'base64' };

// Values are JSON as JSON.stringify writes it, so parsing and writing them again gives their bytes.
const bytesOf = ({ value, valueEncoding }: JsonRecord): Buffer =>
  valueEncoding === undefined ? Buffer.from(JSON.stringify(value)) : Buffer.from(String(value), valueEncoding === 'text' ? 'utf8' : 'base64');

function pageOfJson({ recorder }: World, reply: Reply): Page {
  const { records, nextOffset, startOffset, endOffset } = parse(reply);
  return { records: records.map((record: JsonRecord) => ({ offset: record.offset, text: recorder.textOf(bytesOf(record)) })), nextOffset, startOffset, endOffset };
}

/** The first batch may begin before the offset that was asked for: what lies below it is skipped. */
function pageOfBatches({ recorder }: World, reply: Reply, from: number): Page {
  const position = (name: string) => Number(reply.headers[`wadi-${name}-offset`]);
  const records = decodeBatches(reply.body)
    .filter(({ offset }) => offset >= from)
    .map(({ offset, value }) => ({ offset, text: recorder.textOf(value ?? Buffer.alloc(0)) }));
  return { records, nextOffset: position('next'), startOffset: position('start'), endOffset: position('end') };
}

async function follow(world: World, partition: number, format: Format): Promise<void> {
  const session = `follow-${format}-${partition}`;
  for (let from = 0; !world.stopped(); ) {
    from = (await readPage(world, session, partition, from, format, '&waitMs=500'))?.nextOffset ?? from;
  }
}

/** Pages from anywhere in the past, a few in a row: what was read before must be read again. Paced, so that producers get most of the server. */
async function audit(world: World, name: string, random: SeededRandom): Promise<void> {
  const ends = new Array<number>(world.topic.partitions).fill(0);
  for (let round = 0; !world.stopped(); round++) {
    await wait(20);
    const partition = random.between(0, world.topic.partitions - 1);
    const format = random.pick(['JSON', 'batches'] as const);
    let from = random.between(0, ends[partition] ?? 0);
    for (let page = 0; page < 3; page++) {
      const answer = await readPage(world, `${name}-${round}`, partition, from, format, `&limit=${random.between(1, 200)}`);
      if (answer === undefined) break;
      from = answer.nextOffset;
      ends[partition] = answer.endOffset;
    }
  }
}

/** Follows the whole topic by its cursor: in each partition it must go on where the last answer said. */
async function followTopic(world: World, session: string): Promise<void> {
  const { recorder, topic } = world;
  const next = new Map<number, number>();
  let position = 'from=earliest';
  while (!world.stopped()) {
    const began = recorder.moment();
    const reply = await get(world, `/v1/topics/${topic.name}/records?${position}&waitMs=500`, 'JSON', session);
    if (reply === undefined) continue;
    const answer = parse(reply) as { records: JsonRecord[]; cursor: string; partitions: ({ partition: number } & Omit<Page, 'records'>)[] };
    for (const { partition, nextOffset, startOffset, endOffset } of answer.partitions) {
      const records = answer.records.filter((record) => record.partition === partition).map((record) => ({ offset: record.offset, text: recorder.textOf(bytesOf(record)) }));
      const from = next.get(partition) ?? 0;
      next.set(partition, nextOffset);
      recorder.read({ client: session, session, partition: `${topic.id}/${partition}`, from, records, nextOffset, startOffset, endOffset, began }, 'cursor');
    }
    position = `cursor=${encodeURIComponent(answer.cursor)}`;
  }
}

/** Each partition has a follower, the topic one of its own, and two auditors go about. Resolves when all have ended. */
export async function runReaders(world: World): Promise<void> {
  const partitions = Array.from({ length: world.topic.partitions }, (_, partition) => partition);
  await Promise.all([
    ...partitions.map((partition) => follow(world, partition, partition % 2 === 0 ? 'JSON' : 'batches')),
    followTopic(world, 'cursor'),
    audit(world, 'audit-1', world.random.fork('audit-1')),
    audit(world, 'audit-2', world.random.fork('audit-2')),
  ]);
}

/** Reads each partition from its start to its end, as far as that is possible; answers where they end. To be called when nobody appends any more. */
export async function readEverything(world: World, name: string): Promise<Map<string, { startOffset: number; endOffset: number }>> {
  const final = new Map<string, { startOffset: number; endOffset: number }>();
  for (const format of ['JSON', 'batches'] as const) {
    for (let partition = 0; partition < world.topic.partitions; partition++) {
      for (let from = 0; ; ) {
        const page = await readPage(world, `${name}-${format}-${partition}`, partition, from, format, '&limit=10000&maxBytes=4000000');
        if (page === undefined) {
          world.recorder.complain(`the log could not be read in the end: partition ${partition} from ${from}, as ${format}`);
          break;
        }
        from = page.nextOffset;
        final.set(`${world.topic.id}/${partition}`, { startOffset: page.startOffset, endOffset: page.endOffset });
        if (from >= page.endOffset) break;
        if (page.records.length === 0) {
          world.recorder.complain(`an empty page in the middle of the log: partition ${partition} from ${from}, as ${format}`);
          break;
        }
      }
    }
  }
  return final;
}
