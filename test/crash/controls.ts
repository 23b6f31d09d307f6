// The crash test against copies of the tree: with small journal files it must hold, with a planted fault it must not.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { plantTree, run } from '../support/planted-tree.ts';

const small = 'small-files';
const holds = { name: 'small journal files, removed while the server runs', patches: [small] };
const faults = ['sqlite-synchronous-off', 'journal-not-synced', 'folder-not-synced'].map((name) => ({ name, patches: [small, name] }));

const maxRunMs = 240_000;

/** @param kills of each */
export async function runControls(seed: number, kills: number): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  let failed = 0;
  for (const { name, patches } of [holds, ...faults]) {
    const tree = await plantTree(patches.map((patch) => join(import.meta.dirname, 'planted', `${patch}.patch`)));
    try {
      const args = ['test/crash/main.ts', '--drop-unsynced', '--kills', String(kills), '--seed', String(seed), '--server', join(tree.folder, 'src/server/main.ts')];
      const { code, output } = await run(process.execPath, args, join(import.meta.dirname, '../..'), maxRunMs);
      // Each line that begins with FAILED, and the indented ones behind it.
      const problems = [...output.matchAll(/^FAILED .*(?:\n {9}.*)*/gm)].flatMap(([found]) => found.split('\n').slice(0, 4));
      const isFault = name !== holds.name;
      // A server that refuses to start on what is left says so by name; that is noticed, too.
      const noticed = problems.some((line) => /^FAILED (I[1-7]|the server starts again)/.test(line));
      const good = isFault ? noticed : code === 0;
      if (good) passed++;
      else failed++;
      console.log(`${good ? 'ok    ' : 'FAILED'} ${isFault ? `planted: ${name} ${good ? 'is reported' : 'is not reported'}` : `${kills} power cuts with ${name}`}`);
      const told = good && !isFault ? [] : problems.length > 0 ? problems.slice(0, 12) : output.trim().split('\n').slice(-5);
      const kept = /^data and history are kept in (.*)$/m.exec(output)?.[1];
      if (good && kept !== undefined) rmSync(kept, { recursive: true, force: true });
      for (const line of told) console.log(`         ${line.trim().slice(0, 300)}`);
    } finally {
      tree.remove();
    }
  }
  return { passed, failed };
}
