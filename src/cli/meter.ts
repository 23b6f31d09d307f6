// Shows in a terminal how far a command is, in a line that redraws itself; says nothing where nobody watches.

import type { Terminal } from './command.ts';

const redrawMs = 100;

export type Meter = { update(count: number, share?: number): void; end(count: number): void };

export function startMeter({ isTerminal }: Terminal, what: string, output: { write(text: string): unknown } = process.stderr): Meter {
  const startMs = performance.now();
  let drawnMs = Number.NEGATIVE_INFINITY;
  function draw(count: number, share: number | undefined): void {
    const seconds = (performance.now() - startMs) / 1000;
    const rate = Math.round(count / Math.max(seconds, 0.001));
    const bar = share === undefined ? '' : `[${'█'.repeat(Math.round(share * 30)).padEnd(30, '·')}] ${String(Math.floor(share * 100)).padStart(3)} %  `;
    output.write(`\r\x1b[K${bar}${count.toLocaleString('en')} ${what}  ${rate.toLocaleString('en')}/s`);
  }
  return {
    update(count, share) {
      if (!isTerminal || performance.now() - drawnMs < redrawMs) return;
      drawnMs = performance.now();
      draw(count, share);
    },
    end(count) {
      if (!isTerminal) return;
      draw(count, undefined);
      output.write('\n');
    },
  };
}
