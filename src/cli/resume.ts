// The file by which `wadi produce --resume` goes on where it was killed: the producer's sequences, how much of the input
// stands, and what was about to be sent. It is written before each batch, whole or not at all.

import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ProducerState } from '../client/producer.ts';
import { Usage } from './command.ts';

/** Of the input, in records. */
export type Progress = {
  readonly topic: string;
  readonly topicId: string;
  /** Where all records go, if they do: by another one what is pending would go elsewhere. */
  readonly partition?: number | undefined;
  readonly producer: ProducerState;
  /** That stand. */
  readonly sent: number;
  /** What comes next, and may stand already. */
  readonly pending: { readonly records: number; readonly hash: string } | undefined;
};

export type ResumeFile = {
  /** undefined: the file is new. */
  readonly found: Progress | undefined;
  save(progress: Progress): Promise<void>;
  /** To be called at the end. */
  release(): Promise<void>;
};

const version = 1;

/** @throws Usage where it cannot be read, or another process works with it */
export async function openResumeFile(path: string): Promise<ResumeFile> {
  const lock = `${path}.lock`;
  await takeLock(path, lock);
  try {
    const found = await read(path);
    return { found, save: (progress) => save(path, progress), release: () => rm(lock, { force: true }) };
  } catch (error) {
    await rm(lock, { force: true });
    throw error;
  }
}

async function takeLock(path: string, lock: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw new Usage(`--resume: cannot write ${lock}: ${(error as Error).message}`);
    }
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (holder > 0 && lives(holder)) throw new Usage(`--resume: process ${holder} works with ${path}. Wait for its end, or stop it.`);
    await rm(lock, { force: true });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function read(path: string): Promise<Progress | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Usage(`--resume: cannot read ${path}: ${(error as Error).message}`);
  }
  try {
    const found = JSON.parse(text) as Progress & { readonly version: unknown };
    if (found.version !== version || !Array.isArray(found.producer.next) || !Number.isSafeInteger(found.sent)) throw new Error('it is none of mine');
    return found;
  } catch {
    throw new Usage(`--resume: ${path} is not a file that an earlier --resume of this version wrote. Give another name.`);
  }
}

async function save(path: string, progress: Progress): Promise<void> {
  const aside = `${path}.new`;
  const file = await open(aside, 'w');
  try {
    await file.writeFile(`${JSON.stringify({ version, ...progress })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
  const folder = await open(dirname(path));
  await folder.sync().finally(() => folder.close());
}

/** Tells one batch of the input from another. */
export function hashOf(records: readonly { readonly json: string }[]): string {
  const hash = createHash('sha256');
  for (const { json } of records) hash.update(`${json}\n`);
  return hash.digest('hex');
}
