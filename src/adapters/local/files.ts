// Small helpers over files: folders and names that survive a power cut, and what an errno means to us.

import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreFailure } from '../../ports/failure.ts';

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes a folder with its parents; every name newly made is durable. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first) return;
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export const isFullCode = (code: string | undefined): boolean => code !== undefined && fullCodes.has(code);

/** A failure of the file system by its errno. `effect` is what the caller knows of its call. */
export function fileFailure(error: unknown, effect: 'none' | 'unknown', what: string): StoreFailure {
  if (error instanceof StoreFailure) return error;
  const code = codeOf(error);
  const detail = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  if (isFullCode(code)) return new StoreFailure('full', effect, `${detail}; make space on the disk`, error);
  return new StoreFailure('unavailable', effect, detail, error);
}
