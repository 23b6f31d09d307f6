// Idempotent producers: each batch is sent until it is certain that it stands, to whatever broker, for ever; later it is
// sent once more now and then, and must be told where it stands, or that it does. Sometimes two batches are under way at
// once, and sometimes another process takes the producer over: then the old epoch must be refused.

import { duplicate, makeTexts, send, type Text } from '../append.ts';
import type { SequencedBatch } from '../recorder.ts';
import { steady } from '../topics.ts';
import { type Actor, pause, repeat } from './actor.ts';

type Batch = {
  readonly texts: readonly Text[];
  readonly epoch: number;
  readonly sequence: number;
  readonly began: number;
  readonly entry: SequencedBatch;
  /** By whichever answer told it. */
  offset: number | undefined;
};

type Lane = { readonly partition: number; epoch: number; next: number; readonly batches: Batch[] };

const maxTries = 10;

export const idempotent: Actor = async (world, client, random) => {
  const id = random.between(0, 2 ** 31);
  const topicId = [...world.recorder.topicNames].find(([, name]) => name === steady)?.[0] ?? '';
  const lanes = Array.from({ length: world.profile.partitions }, (_, partition): Lane => ({ partition, epoch: 0, next: 0, batches: [] }));

  function nextBatch(lane: Lane): Batch {
    const texts = makeTexts(world, client, random, random.chance(0.6) ? 1 : random.between(2, 5));
    const { epoch, next: sequence } = lane;
    const entry = { producer: client, epoch, sequence, partition: `${topicId}/${lane.partition}`, texts: texts.map(({ text }) => text), stands: false };
    world.recorder.batches.push(entry);
    lane.next += texts.length;
    const batch = { texts, epoch, sequence, began: world.recorder.moment(), entry, offset: undefined };
    lane.batches.push(batch);
    return batch;
  }

  /** Answers the code of the refusal; undefined: it stands, or that is not known. */
  async function sendOnce(lane: Lane, batch: Batch, limitMs?: number): Promise<string | undefined> {
    const { texts, epoch, sequence, entry } = batch;
    const node = await world.node(random);
    const { outcomes } = await send(world, node, client, { topic: steady, parts: [{ partition: lane.partition, texts }], producer: { id, epoch, sequence }, asBatches: random.chance(0.3), limitMs });
    const outcome = outcomes[0];
    if (outcome === undefined) return undefined;
    if (outcome.result === 'refused') return outcome.code;
    if (outcome.result === 'unknown') {
      if (outcome.code === duplicate) entry.stands = true;
      return undefined;
    }
    const [offset] = outcome.offsets;
    if (batch.offset !== undefined && offset !== batch.offset) world.recorder.finding('I5', `${client}: sequence ${sequence} was told to stand at ${batch.offset}, and now at ${offset}`);
    batch.offset ??= offset;
    entry.stands = true;
    return undefined;
  }

  /** Until it stands. @param mayComeEarly another batch, which comes before it, is under way */
  async function settle(lane: Lane, batch: Batch, mayComeEarly = false): Promise<void> {
    for (let tries = 0; !batch.entry.stands; tries++) {
      if (tries > maxTries && !world.active()) return leaveOpen(lane, batch);
      const code = await sendOnce(lane, batch, random.chance(0.7) ? undefined : random.between(5, 2_000));
      const early = code === 'out_of_order_sequence' && mayComeEarly;
      if (!early && (code === 'out_of_order_sequence' || code === 'producer_fenced')) return strange(batch, code);
      if (!batch.entry.stands) await pause(world, random, 40);
    }
    enter(lane, batch);
  }

  function strange({ epoch, sequence }: Batch, code: string): void {
    world.recorder.finding('I6', `${client}: epoch ${epoch}, sequence ${sequence}, which is the next one, was answered ${code}`);
  }

  function enter(lane: Lane, { texts, began, offset }: Batch): void {
    const outcome = offset === undefined ? ({ result: 'unknown', code: duplicate } as const) : ({ result: 'acknowledged', offsets: texts.map((_, i) => offset + i) } as const);
    world.recorder.append({ client, records: texts.map(({ text }) => text), began }, { topic: steady, topicId, number: lane.partition }, outcome);
  }

  function leaveOpen(lane: Lane, batch: Batch): void {
    world.recorder.unsettled.push({
      what: `sequence ${batch.sequence} of ${client}`,
      async settle() {
        const before = lane.batches.filter(({ epoch, sequence, entry }) => !entry.stands && epoch === batch.epoch && sequence <= batch.sequence);
        for (const one of before) for (let tries = 0; tries < 3 && !one.entry.stands; tries++) await sendOnce(lane, one);
        enter(lane, batch);
        return batch.entry.stands;
      },
    });
  }

  /** A batch that stands, or one of an epoch that was replaced. */
  async function sendAgain(lane: Lane): Promise<void> {
    const newest = lane.batches.at(-1);
    const batch = random.chance(0.5) ? newest : random.pick(lane.batches);
    if (batch === undefined) return;
    world.recorder.counts.sentAgain++;
    const before = batch.offset;
    const code = await sendOnce(lane, batch);
    const replaced = batch.epoch < (newest?.epoch ?? 0);
    if (code === 'out_of_order_sequence' || (code === 'producer_fenced' && !replaced)) strange(batch, code);
    if (replaced && code === undefined && batch.offset !== before) world.recorder.finding('I8', `${client}: epoch ${batch.epoch} was taken though ${newest?.epoch} is there`);
  }

  await repeat(world, random, { times: 40, busyMs: 150 }, async () => {
    const lane = random.pick(lanes);
    const draw = random.next();
    // What is open stays the newest: nothing may come after it.
    if (lane.batches.some(({ entry }) => !entry.stands)) return;
    if (draw < 0.25 && lane.batches.length > 0) return sendAgain(lane);
    if (draw < 0.3 && lane.batches.length > 0) {
      world.tally.injected('producer replaced');
      lane.epoch++;
      lane.next = 0;
    }
    const first = nextBatch(lane);
    if (draw < 0.7) return settle(lane, first);
    const second = nextBatch(lane);
    await Promise.all([settle(lane, first), settle(lane, second, true)]);
  });
};
