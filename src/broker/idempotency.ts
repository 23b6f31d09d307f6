// Idempotency keys (docs/PROTOCOL.md, 2.2b): a request that is sent again under its key, whole, to whatever server, adds
// nothing and gets the first answer. An item of the key keeps what the first request decided; the records of each
// partition then go as the one batch of a producer whose name is made of the key, so that who comes second is told where
// they stand.

import { equal } from '../log/apply-write.ts';
import { type KeyItem, type Placement, parseKeyItem, planAnswer, planBeginKey, type Standing } from '../log/idempotency.ts';
import { idempotencyKey, idText, keyedProducerName, type TopicId } from '../log/keys.ts';
import type { Producer } from '../log/producers.ts';
import type { Key } from '../log/write.ts';
import { WadiError } from '../record/errors.ts';
import type { Broker } from './broker.ts';
import { appendDeadline, backoff } from './deadline.ts';
import { failureBeforeCommit } from './failures.ts';
import { isWorthRetrying } from './upload.ts';

/** `fingerprint`: of all that the request asks for, 32 bytes. */
export type IdempotencyKey = { readonly text: string; readonly fingerprint: Uint8Array };

export type KeyUse = Pick<KeyItem, 'placement' | 'answer'> & {
  /** As which the request's records go to a partition, all in one batch. */
  producerFor(partition: number): Producer;
  /** Where all of them stand. Best effort: who comes next without it finds the same. */
  remember(answer: readonly Standing[]): void;
};

/**
 * @param placement for the case that this is the first request of the key
 * Cost: a write; another one to remember the answer.
 * @throws WadiError idempotency_key_reused, and those of a store that fails: nothing was appended
 */
export async function useKey(broker: Broker, topicId: TopicId, { text, fingerprint }: IdempotencyKey, placement: Placement): Promise<KeyUse> {
  const { background, codecs, telemetry } = broker;
  const key = idempotencyKey(topicId, idText(codecs.sha256(utf8.encode(text))));
  const first = await begin(broker, key, { fingerprint, placement });
  if (!equal(first.fingerprint, fingerprint)) {
    throw new WadiError(
      'idempotency_key_reused',
      'The Idempotency-Key was used for another request to this topic; nothing was written. Each request takes a key of its own; the same request sent again keeps its key.',
    );
  }
  return {
    placement: first.placement,
    answer: first.answer,
    producerFor: (partition) => ({ name: keyedProducerName(codecs.sha256(utf8.encode(`${topicId} ${partition} ${text}`))), epoch: 0, sequence: 0 }),
    remember(answer) {
      background.add(broker.ledger.write(planAnswer(key, fingerprint, answer)).catch((error: unknown) => telemetry.report('answer_not_remembered', { topicId }, error)));
    },
  };
}

const utf8 = new TextEncoder();

/** The item of the key, made if there is none. Whoever made it, it is the same for all who come. */
async function begin(broker: Broker, key: Key, own: Omit<KeyItem, 'answer'>): Promise<KeyItem> {
  const deadline = appendDeadline(broker);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        const begun = await deadline.race(broker.ledger.write(planBeginKey(key, own, broker.clock.nowMs())));
        return begun.applied || begun.item === undefined ? { ...own, answer: undefined } : parseKeyItem(begun.item);
      } catch (error) {
        if (!isWorthRetrying(error)) throw error;
        await deadline.race(backoff(broker, attempt));
      }
    }
  } catch (error) {
    throw failureBeforeCommit(error);
  } finally {
    deadline.clear();
  }
}
