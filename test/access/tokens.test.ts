// Tokens: made once, kept as hashes, compared in a time that tells nothing, and read from a file that must be right.

import { timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { addToken, readTokenFile } from '../../src/access/token-file.ts';
import { createTokens, hashOf, isToken, makeToken, mayUse, parseTokens, TokensInvalid } from '../../src/access/tokens.ts';
import { temporaryFolder } from '../support/server-process.ts';

const sha256 = (token: string): string => hashOf(token).toString('hex');
const good = { name: 'a', sha256: sha256('x'), access: ['read'] };
const file = (...tokens: unknown[]): string => JSON.stringify({ tokens });

// As it is, but counted.
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});

describe('a token', () => {
  it('has 256 random bits in a form of its own', () => {
    const made = Array.from({ length: 100 }, makeToken);
    expect(new Set(made).size).toBe(100);
    for (const token of made) expect(isToken(token)).toBe(true);
    for (const other of ['', 'wadi_', `${made[0]}x`, made[0]?.slice(1), `wadi_${'!'.repeat(43)}`]) expect(isToken(other ?? '')).toBe(false);
  });

  it('gives what its entry says, and another gives nothing', () => {
    const [a, b] = [makeToken(), makeToken()];
    const tokens = createTokens([
      { name: 'a', sha256: sha256(a), access: ['read'] },
      { name: 'b', sha256: sha256(b), access: ['write'], topics: ['x*'] },
    ]);
    expect(tokens.grantOf(a)).toEqual({ name: 'a', access: ['read'] });
    expect(tokens.grantOf(b)).toEqual({ name: 'b', access: ['write'], topics: ['x*'] });
    expect(tokens.grantOf(makeToken())).toBeUndefined();
  });

  it('is compared as a hash of one length with every entry, wherever it fits and however long it is', () => {
    const mine = Array.from({ length: 5 }, makeToken);
    const tokens = createTokens(mine.map((token, i) => ({ name: `t${i}`, sha256: sha256(token), access: ['read'] })));
    const compared = vi.mocked(timingSafeEqual);
    for (const token of [mine[0], mine[4], makeToken(), 'short', 'long'.repeat(1000)]) {
      compared.mockClear();
      tokens.grantOf(token ?? '');
      expect(compared.mock.calls.map(([known, given]) => [known.byteLength, given.byteLength])).toEqual(Array.from({ length: 5 }, () => [32, 32]));
    }
  });
});

it.each([
  [undefined, 'orders', true],
  [['orders'], 'orders', true],
  [['orders'], 'orders2', false],
  [['orders*'], 'orders2', true],
  [['orders*'], 'order', false],
  [['*'], 'anything', true],
  [['a', 'b*'], 'bee', true],
])('topics %j and topic %s: %s', (topics, topic, may) => {
  expect(mayUse({ name: 'n', access: ['read'], ...(topics === undefined ? {} : { topics }) }, topic)).toBe(may);
});

describe('a file of tokens', () => {
  it.each([
    ['no JSON', '{', 'it is not JSON'],
    ['no object', '[]', 'the file is an object'],
    ['a member too many', '{"tokens":[],"x":1}', 'no member "x"'],
    ['no array', '{"tokens":{}}', '"tokens" is an array'],
    ['no name', file({ ...good, name: '' }), 'tokens[0].name'],
    ['a hash in capitals', file({ ...good, sha256: good.sha256.toUpperCase() }), 'tokens[0].sha256'],
    ['a token instead of its hash', file({ ...good, sha256: makeToken() }), 'tokens[0].sha256'],
    ['no access', file({ ...good, access: [] }), 'tokens[0].access'],
    ['an access that is none', file({ ...good, access: ['root'] }), 'tokens[0].access'],
    ['topics that are none', file({ ...good, topics: ['a b'] }), 'tokens[0].topics'],
    ['a star in the middle', file({ ...good, topics: ['a*b'] }), 'tokens[0].topics'],
    ['an empty list of topics', file({ ...good, topics: [] }), 'tokens[0].topics'],
    ['a name twice', file(good, { ...good, sha256: sha256('y') }), 'the same name'],
    ['a token twice', file(good, { ...good, name: 'b' }), 'are the same'],
    ['the token itself beside it', file({ ...good, token: 'x' }), 'no member "token"'],
  ])('with %s is refused', (_, text, message) => {
    expect(() => parseTokens(text)).toThrow(TokensInvalid);
    expect(() => parseTokens(text)).toThrow(message);
  });

  it('that is not there is refused by name', async () => {
    await expect(readTokenFile('/nowhere/tokens.json')).rejects.toThrow(/cannot read the file of tokens \/nowhere\/tokens\.json/);
  });

  it('gets tokens added, holds none of them, and is for its owner alone', async () => {
    const path = join(temporaryFolder('tokens'), 'tokens.json');
    const first = await addToken(path, { name: 'first', access: ['read', 'write'] });
    const second = await addToken(path, { name: 'second', access: ['admin'], topics: ['a*'] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, 'utf8');
    for (const token of [first, second]) expect(text).not.toContain(token.slice(5, 20));
    const tokens = createTokens(await readTokenFile(path));
    expect([tokens.grantOf(first)?.name, tokens.grantOf(second)]).toEqual(['first', { name: 'second', access: ['admin'], topics: ['a*'] }]);
  });

  it('holds every token that was told, however many are added at once', async () => {
    const path = join(temporaryFolder('tokens'), 'tokens.json');
    const added = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => addToken(path, { name: `t${i}`, access: ['read'] })));
    const told = added.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(told.length).toBeGreaterThan(0);
    for (const one of added) if (one.status === 'rejected') expect(one.reason).toMatchObject({ message: expect.stringContaining('somebody else adds a token') });
    const tokens = createTokens(await readTokenFile(path));
    expect(told.map((token) => tokens.grantOf(token)?.access)).toEqual(told.map(() => ['read']));
    // Nothing is left in the way.
    await addToken(path, { name: 'later', access: ['read'] });
  });

  it('is left as it is where what is added is not valid', async () => {
    const path = join(temporaryFolder('tokens'), 'tokens.json');
    await addToken(path, { name: 'a', access: ['read'] });
    const before = readFileSync(path, 'utf8');
    await expect(addToken(path, { name: 'a', access: ['read'] })).rejects.toThrow('the same name');
    await expect(addToken(path, { name: 'b c', access: ['read'] })).rejects.toThrow('.name');
    expect(readFileSync(path, 'utf8')).toBe(before);
    writeFileSync(path, '{"tokens":');
    await expect(addToken(path, { name: 'b', access: ['read'] })).rejects.toThrow('not JSON');
    expect(readFileSync(path, 'utf8')).toBe('{"tokens":');
  });
});
