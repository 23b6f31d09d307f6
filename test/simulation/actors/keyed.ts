// Clients with idempotency keys: a request, whose records go where their keys lead, is sent until all of it stands, to
// whatever broker, for ever; later it is sent once more now and then, and must get the same answer, though the topic
// grows. Another request under its key must be refused.

import { type AppendAnswer, appendRecords, type PartitionResult } from '../../../src/broker/append.ts';
import { describeTopic } from '../../../src/broker/describe-topic.ts';
import { makeTexts, type Text, toRecord } from '../append.ts';
import { ask, explain } from '../client.ts';
import { fleeting, steady } from '../topics.ts';
import { type Actor, pause, repeat } from './actor.ts';

type Request = {
  readonly key: string;
  readonly topic: string;
  readonly topicId: string;
  readonly texts: readonly Text[];
  /** Records without a key go together. */
  readonly hasKeys: boolean;
  readonly began: number;
  readonly sentAtMs: number;
  answer: AppendAnswer | undefined;
};

const maxTries = 10;
/** A key is good for a day. */
const goodForMs = 20 * 3_600_000;

export const keyed: Actor = async (world, client, random) => {
  const requests: Request[] = [];

  async function topicIdOf(topic: string): Promise<string | undefined> {
    const answer = await ask(world, await world.node(random), `${client} looks ${topic} up`, (broker) => describeTopic(broker, topic));
    return 'failure' in answer ? undefined : answer.value.topic.id;
  }

  /** The answer, where all of it stands; the code of the error, where there is one of the whole request. */
  async function sendOnce(request: Request, texts = request.texts, limitMs?: number): Promise<AppendAnswer | string> {
    const { key, topic, topicId, hasKeys } = request;
    const what = `${client} appends ${texts[0]?.text.slice(0, 30)} x${texts.length} to ${topic} under ${key}`;
    const records = texts.map((text) => (hasKeys ? { ...toRecord(text), key: new TextEncoder().encode(text.text.slice(0, 30)) } : toRecord(text)));
    const idempotencyKey = { text: key, fingerprint: fingerprintOf(texts) };
    const answer = await ask(world, await world.node(random), what, (broker) => appendRecords(broker, { topic, topicId, records: () => records, idempotencyKey }), limitMs);
    if ('failure' in answer) return answer.failure.code;
    const failed = answer.value.results.flatMap((result) => ('error' in result ? [result.error] : []));
    for (const error of failed) explain(world, what, error);
    world.trace.line(`${client} ${key}: ${answer.value.results.map((result) => `${result.partition}: ${'error' in result ? result.error.code : result.baseOffset}`).join(', ')}`);
    return failed[0]?.code ?? answer.value;
  }

  async function settle(request: Request): Promise<void> {
    for (let tries = 0; ; tries++) {
      if (tries > maxTries && !world.active()) return leaveOpen(request);
      const answer = await sendOnce(request, request.texts, random.chance(0.7) ? undefined : random.between(5, 2_000));
      if (typeof answer !== 'string') return enter(request, answer);
      // The topic is gone: what stood in it is gone, too.
      if (answer === 'topic_not_found' || answer === 'topic_recreated') return enter(request, undefined);
      if (answer === 'idempotency_key_reused') return strange(request, answer);
      await pause(world, random, 40);
    }
  }

  const strange = ({ key }: Request, answer: string): void => world.recorder.finding('I5', `${client}: ${key} was answered ${answer}`);

  function enter(request: Request, answer: AppendAnswer | undefined): void {
    const { topic, topicId, texts, began } = request;
    request.answer = answer;
    const next = new Map(answer?.results.map((result) => [result.partition, 'error' in result ? null : result.baseOffset]));
    for (const [i, { text }] of texts.entries()) {
      const number = answer?.recordPartitions[i];
      const offset = number === undefined ? undefined : next.get(number);
      if (number === undefined || typeof offset !== 'number') {
        world.recorder.append({ client, records: [text], began }, { topic, topicId, number: undefined }, { result: 'unknown', code: 'given_up' });
        if (answer !== undefined) strange(request, `without a place for its record ${i}`);
        continue;
      }
      next.set(number, offset + 1);
      // Records of one request have no order over partitions.
      world.recorder.append({ client: `${client}.${request.key}`, records: [text], began }, { topic, topicId, number }, { result: 'acknowledged', offsets: [offset] });
    }
  }

  function leaveOpen(request: Request): void {
    world.recorder.unsettled.push({
      what: `${request.key} of ${client}`,
      async settle() {
        for (let tries = 0; tries < 3; tries++) {
          const answer = await sendOnce(request);
          const gone = answer === 'topic_not_found' || answer === 'topic_recreated';
          if (typeof answer === 'string' && !gone) continue;
          enter(request, typeof answer === 'string' ? undefined : answer);
          return true;
        }
        enter(request, undefined);
        return false;
      },
    });
  }

  async function sendAgain(request: Request): Promise<void> {
    if (request.answer === undefined || world.timeline.now() - request.sentAtMs > goodForMs) return;
    world.recorder.counts.sentAgain++;
    if (random.chance(0.2)) {
      const other = await sendOnce(request, makeTexts(world, client, random, 1));
      if (typeof other !== 'string') strange(request, 'with another body as if it were the same');
      return;
    }
    const began = world.recorder.moment();
    const answer = await sendOnce(request);
    const deleted = world.recorder.deleted.get(request.topicId);
    if (typeof answer !== 'string' && deleted !== undefined && deleted.ended < began)
      world.recorder.finding('deleted', `${client}: ${request.key} was answered (from moment ${began} on) after the deletion of its topic`);
    if (typeof answer !== 'string' && tell(answer) !== tell(request.answer)) strange(request, `${tell(request.answer)} first, and then ${tell(answer)}`);
  }

  await repeat(world, random, { times: 30, busyMs: 200 }, async () => {
    if (random.chance(0.35) && requests.length > 0) return sendAgain(random.chance(0.6) ? (requests.at(-1) as Request) : random.pick(requests));
    const topic = random.chance(0.7) ? steady : fleeting;
    const topicId = await topicIdOf(topic);
    if (topicId === undefined) return;
    const texts = makeTexts(world, client, random, random.between(1, 5));
    const request: Request = {
      key: `${client}-${world.unique()}`,
      topic,
      topicId,
      texts,
      hasKeys: random.chance(0.7),
      began: world.recorder.moment(),
      sentAtMs: world.timeline.now(),
      answer: undefined,
    };
    requests.push(request);
    await settle(request);
  });
};

const fingerprintOf = (texts: readonly Text[]): Uint8Array => new TextEncoder().encode(texts.map(({ text }) => text.slice(0, 30)).join());

const tell = ({ topicId, results }: AppendAnswer): string => JSON.stringify([topicId, results.map(tellResult)]);

/** A time that could not be read is no other time. */
const tellResult = (result: PartitionResult): unknown => ('error' in result ? result.error.code : [result.partition, result.baseOffset, result.count]);
