// The writing thread's answers as bytes in one buffer that changes hands without a copy. Grammar: write-codec.ts.

import type { Item, Write } from '../../log/write.ts';
import { type FailureReason, StoreFailure } from '../../ports/failure.ts';
import { boundOfText, type Cursor, cursor, readByte, readBytes, readText, writeBytes, writeText } from './bytes.ts';
import { decodeContent } from './item-codec.ts';
import type { Answer, Image } from './sqlite-store.ts';

const statuses = ['applied', 'refused', 'invalid', 'failed'] as const;
const reasons: readonly FailureReason[] = ['throttled', 'conflict', 'unavailable', 'full', 'corrupt', 'newer', 'closed'];
const [noImage, itemImage, putImage] = [0, 1, 2];
const slack = 16;

/** An answer as the caller's thread sees it: images are items again. */
export type ReceivedAnswer =
  | { readonly status: 'applied'; readonly items: readonly (Item | undefined)[] }
  | { readonly status: 'refused'; readonly outcomes: readonly { readonly applied: boolean; readonly item: Item | undefined }[] }
  | { readonly status: 'invalid'; readonly message: string }
  | { readonly status: 'failed'; readonly failure: StoreFailure };

export function encodeAnswers(answers: readonly Answer[]): Uint8Array<ArrayBuffer> {
  const to = cursor(new Uint8Array(answers.reduce((bound, answer) => bound + boundOf(answer), 0)));
  for (const answer of answers) {
    to.bytes[to.at++] = statuses.indexOf(answer.status);
    if (answer.status === 'invalid') writeText(to, answer.message);
    else if (answer.status === 'failed') {
      to.bytes[to.at++] = reasons.indexOf(answer.failure.reason);
      to.bytes[to.at++] = answer.failure.effect === 'none' ? 0 : 1;
      writeText(to, answer.failure.message);
    } else if (answer.status === 'applied') for (const image of answer.images) writeImage(to, image);
    else {
      for (const { applied, image } of answer.parts) {
        to.bytes[to.at++] = applied ? 1 : 0;
        writeImage(to, image);
      }
    }
  }
  return new Uint8Array(to.bytes.buffer as ArrayBuffer, 0, to.at);
}

/** Reads the answer to `writes`. */
export function readAnswer(from: Cursor, writes: readonly Write[]): ReceivedAnswer {
  const status = statuses[readByte(from)];
  switch (status) {
    case 'applied':
      return { status, items: writes.map((write) => readImage(from, write)) };
    case 'refused':
      return { status, outcomes: writes.map((write) => ({ applied: readByte(from) === 1, item: readImage(from, write) })) };
    case 'invalid':
      return { status, message: readText(from) };
    default: {
      const reason = reasons[readByte(from)] as FailureReason;
      const effect = readByte(from) === 0 ? 'none' : 'unknown';
      return { status: 'failed', failure: new StoreFailure(reason, effect, readText(from)) };
    }
  }
}

function boundOf(answer: Answer): number {
  if (answer.status === 'invalid') return slack + boundOfText(answer.message);
  if (answer.status === 'failed') return slack + boundOfText(answer.failure.message);
  const images = answer.status === 'applied' ? answer.images : answer.parts.map(({ image }) => image);
  return images.reduce((bound, image) => bound + slack + (image instanceof Uint8Array ? image.length : 0), slack);
}

function writeImage(to: Cursor, image: Image): void {
  to.bytes[to.at++] = image === undefined ? noImage : image === 'put' ? putImage : itemImage;
  if (image instanceof Uint8Array) writeBytes(to, image);
}

function readImage(from: Cursor, write: Write): Item | undefined {
  const kind = readByte(from);
  if (kind === noImage) return undefined;
  if (kind === putImage) return (write as { item: Item }).item;
  // Of its own bytes: what is kept of it must not keep the answers of a whole flush.
  return decodeContent(write.key, Uint8Array.from(readBytes(from)));
}
