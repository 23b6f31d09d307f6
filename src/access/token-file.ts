// The file of tokens: read by the server, added to by the command. It holds hashes and no tokens.

import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { type Grant, hashOf, makeToken, parseTokens, type TokenEntry, TokensInvalid } from './tokens.ts';

/** @throws TokensInvalid, which names the file */
export async function readTokenFile(path: string): Promise<TokenEntry[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new TokensInvalid(`cannot read the file of tokens ${path}: ${(error as Error).message}`);
  }
  try {
    return parseTokens(text);
  } catch (error) {
    if (!(error instanceof TokensInvalid)) throw error;
    throw new TokensInvalid(`the file of tokens ${path} is not valid: ${error.message}`);
  }
}

/**
 * Makes a token, adds it to the file (a new one where there is none) and answers it: nobody can tell it later. The file
 * is replaced as a whole, so a server that reads it meanwhile sees the old or the new one; and by one at a time, or a
 * token could be lost that was told already.
 * @throws TokensInvalid for a file that is not valid or that somebody else changes now, a name that is taken, or a grant that is none
 */
export async function addToken(path: string, grant: Grant): Promise<string> {
  const lock = `${path}.lock`;
  const held = await open(lock, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw new TokensInvalid(`cannot write beside the file of tokens ${path}: ${error.message}`);
    throw new TokensInvalid(`somebody else adds a token to ${path} now: try again, and if nobody does, remove ${lock}`);
  });
  try {
    return await addTokenAlone(path, grant);
  } finally {
    await held.close();
    await rm(lock, { force: true });
  }
}

async function addTokenAlone(path: string, grant: Grant): Promise<string> {
  const token = makeToken();
  const before = await readTokenFile(path).catch((error: unknown) => {
    if (error instanceof TokensInvalid && error.message.includes('ENOENT')) return [];
    throw error;
  });
  const text = `${JSON.stringify({ tokens: [...before, { ...grant, sha256: hashOf(token).toString('hex') }] }, null, 2)}\n`;
  parseTokens(text);
  await replaceFile(path, text);
  return token;
}

async function replaceFile(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(aside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
