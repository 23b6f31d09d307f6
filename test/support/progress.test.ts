import { expect, test } from 'vitest';
import { startProgress } from './progress.ts';

const capture = (isTTY: boolean) => {
  const written: string[] = [];
  return { written, output: { isTTY, columns: 80, write: (text: string) => written.push(text) } };
};

test('in a terminal one line is redrawn, and ended with a new line', () => {
  const { written, output } = capture(true);
  const progress = startProgress('work', 10, output);
  progress.update(5, 'half');
  progress.end();
  expect(written[0]).toMatch(/^\r.*work \[█{15}·{15}\] {2}50 % {2}5 of 10 {2}half$/);
  expect(written.at(-1)).toBe('\n');
  expect(written.slice(0, -1).join('')).not.toContain('\n');
});

test('piped, plain lines without control characters, and few of them', () => {
  const { written, output } = capture(false);
  const progress = startProgress('work', 1000, output);
  for (let done = 0; done <= 1000; done++) progress.update(done);
  progress.end('done');
  progress.update(1);
  expect(written).toEqual(['work: 0 %  0 of 1,000\n', 'work: 100 %  1,000 of 1,000  done\n']);
});
