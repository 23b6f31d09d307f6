// Shows how far a long task is: a bar that redraws itself in a terminal, a plain line now and then when the
// output goes to a file or a pipe.

export type Progress = {
  /** `note` stands behind the bar: a rate, a count of kills. Drawn at most ten times a second. */
  update(done: number, note?: string): void;
  /** Ends the bar; later updates are ignored. */
  end(note?: string): void;
};

type Output = { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };

const width = 30;
const redrawMs = 100;
const lineMs = 5_000;

export function startProgress(label: string, total: number, output: Output = process.stderr): Progress {
  const terminal = output.isTTY === true;
  let drawn = Number.NEGATIVE_INFINITY;
  let done = 0;
  let ended = false;
  const draw = (note: string) => {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const counts = `${String(Math.floor(share * 100)).padStart(3)} %  ${done.toLocaleString('en')} of ${total.toLocaleString('en')}  ${note}`.trimEnd();
    const filled = Math.round(share * width);
    const line = terminal ? `${label} [${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${counts}` : `${label}: ${counts.trimStart()}`;
    output.write(terminal ? `\r\x1b[K${line.slice(0, (output.columns ?? 100) - 1)}` : `${line}\n`);
  };
  return {
    update(now, note = '') {
      done = now;
      const time = performance.now();
      if (ended || time - drawn < (terminal ? redrawMs : lineMs)) return;
      drawn = time;
      draw(note);
    },
    end(note = '') {
      if (ended) return;
      ended = true;
      draw(note);
      if (terminal) output.write('\n');
    },
  };
}
