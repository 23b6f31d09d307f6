// What a run leaves behind: nothing, or after a violation (or where it was asked for) the data folder and the history.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recorder } from './recorder.ts';

/** Sets the exit code as well. */
export function leaveEvidence(dataDir: string, recorder: Recorder, { failed, keep = false }: { readonly failed: boolean; readonly keep?: boolean }): void {
  process.exitCode = failed ? 1 : 0;
  if (!failed && !keep) {
    rmSync(dataDir, { recursive: true, force: true });
    return;
  }
  const path = join(dataDir, 'history.jsonl');
  writeFileSync(path, '');
  for (let i = 0; i < recorder.events.length; i += 1000) {
    const lines = recorder.events.slice(i, i + 1000).map((event) => `${JSON.stringify(event)}\n`);
    writeFileSync(path, lines.join(''), { flag: 'a' });
  }
  console.log(`data and history are kept in ${dataDir}`);
}
