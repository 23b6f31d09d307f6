// Bearer tokens: who may do what. A token is 256 random bits, so its SHA-256 can stand in a file without giving it
// away: there is nothing to guess that a slow hash would have to protect.

import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** read: fetch, describe, list. write: append. admin: create, alter and delete topics. None contains another. */
export const accesses = ['read', 'write', 'admin'] as const;
export type Access = (typeof accesses)[number];

export type Grant = {
  /** Of the token, for people and logs. */
  readonly name: string;
  readonly access: readonly Access[];
  /** Names, or with a `*` at the end beginnings of names; undefined: all topics. */
  readonly topics?: readonly string[];
};

export type TokenEntry = Grant & { /** Of the whole token, in hexadecimal. */ readonly sha256: string };

export type Tokens = {
  /** What the bearer of the token may do; undefined: it is none of ours. */
  grantOf(token: string): Grant | undefined;
};

/** What is wrong with a file of tokens, and where. */
export class TokensInvalid extends Error {
  override readonly name = 'TokensInvalid';
}

const form = /^wadi_[A-Za-z0-9_-]{43}$/;

export const makeToken = (): string => `wadi_${randomBytes(32).toString('base64url')}`;

export const hashOf = (token: string): Buffer => hash('sha256', token, 'buffer');

/**
 * Every token is compared with every hash, whatever its length and whichever fits, so that time tells nothing.
 */
export function createTokens(entries: readonly TokenEntry[]): Tokens {
  const known = entries.map(({ sha256, ...grant }) => ({ grant, hash: Buffer.from(sha256, 'hex') }));
  return {
    grantOf(token) {
      const given = hashOf(token);
      let found: Grant | undefined;
      for (const one of known) if (timingSafeEqual(one.hash, given)) found = one.grant;
      return found;
    },
  };
}

/** Whether the text has the form of a token that was made here. */
export const isToken = (text: string): boolean => form.test(text);

export const mayUse = ({ topics }: Grant, topic: string): boolean =>
  topics === undefined || topics.some((pattern) => (pattern.endsWith('*') ? topic.startsWith(pattern.slice(0, -1)) : topic === pattern));

/** @throws TokensInvalid */
export function parseTokens(text: string): TokenEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new TokensInvalid(`it is not JSON: ${(error as Error).message}`);
  }
  const { tokens } = objectOf(parsed, ['tokens'], 'the file');
  if (!Array.isArray(tokens)) throw new TokensInvalid('"tokens" is an array');
  const entries = tokens.map((token: unknown, i) => entryOf(token, `tokens[${i}]`));
  const names = new Set(entries.map(({ name }) => name));
  if (names.size < entries.length) throw new TokensInvalid('two tokens have the same name');
  if (new Set(entries.map(({ sha256 }) => sha256)).size < entries.length) throw new TokensInvalid('two tokens are the same');
  return entries;
}

function entryOf(value: unknown, place: string): TokenEntry {
  const { name, sha256, access, topics } = objectOf(value, ['name', 'sha256', 'access', 'topics'], place);
  if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,100}$/.test(name)) throw new TokensInvalid(`${place}.name is 1 to 100 of A-Z a-z 0-9 . _ -`);
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw new TokensInvalid(`${place}.sha256 is 64 hexadecimal digits in lower case: the SHA-256 of the token`);
  if (!Array.isArray(access) || access.length === 0 || !access.every((one): one is Access => accesses.includes(one as Access)))
    throw new TokensInvalid(`${place}.access lists some of ${accesses.join(', ')}`);
  if (topics === undefined) return { name, sha256, access };
  if (!Array.isArray(topics) || topics.length === 0 || !topics.every((one): one is string => typeof one === 'string' && /^[A-Za-z0-9._-]{0,249}\*?$/.test(one) && one !== '')) {
    throw new TokensInvalid(`${place}.topics lists names of topics, or beginnings of names with a * at the end`);
  }
  return { name, sha256, access, topics };
}

function objectOf(value: unknown, members: readonly string[], place: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TokensInvalid(`${place} is an object`);
  const unknown = Object.keys(value).find((name) => !members.includes(name));
  if (unknown !== undefined) throw new TokensInvalid(`${place} has no member "${unknown.slice(0, 40)}"; members: ${members.join(', ')}`);
  return value as Record<string, unknown>;
}
