// Which functions of the server take the time: one measurement under `--cpu-prof`, and the profile's self times.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../test/support/server-process.ts';
import { type Contender, measure, type Setup } from './run.ts';

type Profile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const root = fileURLToPath(new URL('..', import.meta.url));

export async function profile(setup: Setup, contender: Contender, top = 25): Promise<void> {
  const folder = temporaryFolder('profile', true);
  const { perSecond, p50Ms, totals } = await measure(contender, { ...setup, nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${folder}`] });
  console.log(`${setup.name}: ${Math.round(perSecond)} requests/s, p50 ${p50Ms.toFixed(2)} ms, ${totals === undefined ? 'no totals' : JSON.stringify(totals)}, all under the profiler`);
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (files.length === 0) throw new Error('the server wrote no profile: it must end by itself after SIGTERM');
  for (const file of files.sort()) {
    console.log(`\nself times in one thread, start and idle time included (${join(folder, file)}):`);
    const shares = selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile);
    for (const [name, share] of shares.slice(0, top)) console.log(`${(100 * share).toFixed(1).padStart(6)} %  ${name}`);
  }
}

/** Share of each function in the time of its thread, the greatest first. */
function selfTimes({ nodes, samples, timeDeltas }: Profile): [string, number][] {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}  ${url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url}:${lineNumber + 1}`,
    ]),
  );
  const times = new Map<string, number>();
  for (const [i, sample] of samples.entries()) {
    const name = names.get(sample) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  }
  const total = timeDeltas.reduce((sum, time) => sum + time, 0);
  return [...times].map(([name, time]): [string, number] => [name, time / total]).sort((a, b) => b[1] - a[1]);
}
