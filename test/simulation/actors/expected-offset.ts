// Producers that append only where they believe the log ends. After an unknown answer they send the same request
// again until the answer is certain, as HTTP-API promises that this settles it (I4): an acknowledgement means that
// it stands once, at that offset; a 412 means that it never will stand unless it stands there already, which a
// read tells. Either is entered in the history as certain, so any later turn of it is a violation.

import type { AppendOutcome } from '../../support/history.ts';
import type { SeededRandom } from '../../support/random.ts';
import { makeTexts, send, type Text } from '../append.ts';
import { fetchPartition } from '../fetch.ts';
import { steady } from '../topics.ts';
import type { World } from '../world.ts';
import { type Actor, pause, repeat } from './actor.ts';

export const expectedOffset: Actor = (world, client, random) => loop(world, client, random, 0.15);

/** Mostly sends what expects an end that is still to come. */
export const guessesAhead: Actor = (world, client, random) => loop(world, client, random, 0.75);

function loop(world: World, client: string, random: SeededRandom, ahead: number): Promise<void> {
  const ends = new Map<number, number>();
  return repeat(world, random, { times: 45, busyMs: 150 }, async () => {
    const partition = random.between(0, world.profile.partitions - 1);
    for (let tries = 0; tries < 3 && world.active(); tries++) {
      const known = ends.get(partition) ?? 0;
      // Now and then a guess ahead: refused today, and it must stay so when the log has come that far.
      const expected = known + (random.chance(ahead) ? random.between(1, 3) : 0);
      const end = await settle(world, client, random, partition, expected);
      if (end !== undefined) ends.set(partition, end);
    }
  });
}

/** Sends until the outcome is certain; answers where the log ended then. */
async function settle(world: World, client: string, random: SeededRandom, partition: number, expected: number): Promise<number | undefined> {
  const texts = makeTexts(world, client, random, random.chance(0.7) ? 1 : random.between(2, 4));
  const began = world.recorder.moment();
  let uncertain = false;
  let topicId: string | undefined;
  for (let attempt = 0; ; attempt++) {
    const node = await world.node(random);
    const limitMs = random.chance(0.85) ? undefined : random.between(5, 1_000);
    const report = await send(world, node, client, { topic: steady, parts: [{ partition, texts }], expectedOffset: expected, limitMs, asBatches: random.chance(0.3) });
    topicId = report.topicId ?? topicId;
    const outcome = report.outcomes[0] as AppendOutcome;
    const enter = (certain: AppendOutcome) =>
      world.recorder.append({ client, records: texts.map(({ text }) => text), expectedOffset: expected, began }, { topic: steady, topicId, number: partition }, certain);
    if (outcome.result === 'acknowledged') {
      enter(outcome);
      return (outcome.offsets.at(-1) ?? 0) + 1;
    }
    const mismatch = outcome.result === 'refused' && outcome.code === 'offset_mismatch';
    if (mismatch || (outcome.result === 'refused' && !uncertain)) {
      const certain = uncertain ? await lookWhetherItStands(world, client, random, partition, expected, texts, outcome) : outcome;
      if (uncertain) world.recorder.counts.settled++;
      enter(certain);
      return outcome.result === 'refused' ? outcome.endOffset : undefined;
    }
    if (outcome.result === 'unknown') uncertain = true;
    if (attempt > 8 || !world.active()) {
      enter({ result: 'unknown', code: outcome.code });
      return undefined;
    }
    await pause(world, random, 50);
  }
}

/**
 * After a 412 that followed unknown answers: where the log is longer than `expected`, what stands there stands for
 * ever. Where it is shorter (a guess ahead) nothing is settled: an earlier request that still waits in its broker
 * may yet find the end where it expects it.
 */
async function lookWhetherItStands(world: World, client: string, random: SeededRandom, partition: number, expected: number, texts: readonly Text[], refusal: AppendOutcome): Promise<AppendOutcome> {
  const end = refusal.result === 'refused' ? refusal.endOffset : undefined;
  if (end === undefined || end <= expected) return { result: 'unknown', code: 'guessed ahead' };
  for (;;) {
    const node = await world.node(random);
    const start = { at: 'offset', offset: expected } as const;
    const answer = await fetchPartition(world, node, client, `${client}-look-${world.unique()}`, {
      topic: steady,
      partition,
      start,
      maxRecords: texts.length,
      maxBytes: 100_000,
      waitMs: 0,
      asBatches: false,
    });
    if ('value' in answer && answer.value.records.length > 0) {
      const stands = answer.value.records[0]?.text === texts[0]?.text;
      return stands ? { result: 'acknowledged', offsets: texts.map((_, i) => expected + i) } : refusal;
    }
    await pause(world, random, 100);
  }
}
