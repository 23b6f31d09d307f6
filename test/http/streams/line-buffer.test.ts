// Lines come out as they went in, wherever the chunks were cut.
import { expect, it } from 'vitest';
import { lineBuffer, linesOf } from '../../../src/http/streams/line-buffer.ts';

const text = 'one\n\n  \r\nfour ä😀\r\nlast\n';
const bytes = Buffer.from(text);
const whole = ['one', 'four ä😀', 'last'];
const read = (batch: Uint8Array | undefined): string[] => (batch === undefined ? [] : [...linesOf(batch)].map(({ start, end }) => Buffer.from(batch.subarray(start, end)).toString()));

it('are the same for every pair of cuts, taken at once or as they come', () => {
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      const atOnce = lineBuffer();
      const asTheyCome = lineBuffer();
      const came: string[] = [];
      for (const chunk of chunks) {
        atOnce.add(chunk);
        asTheyCome.add(chunk);
        came.push(...read(asTheyCome.take()));
      }
      expect(read(atOnce.take())).toEqual(whole);
      expect(came).toEqual(whole);
      expect([asTheyCome.lineBytes, asTheyCome.restBytes]).toEqual([0, 0]);
    }
  }
});

it('a line without its end waits, and is the rest', () => {
  const buffer = lineBuffer();
  buffer.add(Buffer.from('a\nb'));
  expect([buffer.lineBytes, buffer.restBytes]).toEqual([2, 1]);
  expect(read(buffer.take())).toEqual(['a']);
  expect(buffer.take()).toBeUndefined();
  buffer.add(Buffer.from('c'));
  expect(read(buffer.takeRest())).toEqual(['bc']);
  expect(buffer.takeRest()).toBeUndefined();
});

it('what was taken stays as it is, whatever comes later', () => {
  const buffer = lineBuffer();
  buffer.add(Buffer.from('first\nrest'));
  const taken = buffer.take() as Uint8Array;
  buffer.add(Buffer.from('XXXXXXXXXX\n'));
  expect(read(taken)).toEqual(['first']);
  expect(read(buffer.take())).toEqual(['restXXXXXXXXXX']);
});

it('numbers lines from 1, counting the blank ones that it leaves out', () => {
  expect([...linesOf(Buffer.from('a\n\r\n \t\nd'))].map(({ number }) => number)).toEqual([1, 4]);
});
