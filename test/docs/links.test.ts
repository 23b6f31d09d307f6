// What the documents name is there: relative links, paths of this repository, titles of tests, limits, and every
// invariant. Whether a sentence is true only a reader can tell.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/record/limits.ts';

const root = join(import.meta.dirname, '../..');
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...globSync('docs/**/*.md', { cwd: root })].sort();

const withoutFences = (text: string): string => text.replaceAll(/^```.*?^```/gms, '');
const read = (document: string): string => withoutFences(readFileSync(join(root, document), 'utf8'));
const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] as string);

/** `a/{b,c}` as `a/b` and `a/c`. */
function alternatives(path: string): string[] {
  const braces = /^(.*)\{([^}]*)\}(.*)$/.exec(path);
  return braces === null ? [path] : (braces[2] as string).split(',').flatMap((one) => alternatives(`${braces[1]}${one}${braces[3]}`));
}

function pathsIn(text: string): string[] {
  const words = matches(text, /`([^`\n]+)`/g).flatMap((code) => code.split(/\s+/));
  const paths = words.filter((word) => /^(src|test|docs|bench|examples)\//.test(word) && !word.includes('NN'));
  return paths.flatMap(alternatives);
}

const isThere = (path: string): boolean => (path.includes('*') ? globSync(path, { cwd: root }).length > 0 : existsSync(join(root, path)));

/** Titles in double quotes right behind the back-ticked path of a test file, as a list. */
function titlesIn(text: string): { file: string; title: string }[] {
  return [...text.matchAll(/`(test\/[^`\s]+\.test\.ts)`[,:] ((?:"[^"\n]+"(?:, | and |; )?)+)/g)].flatMap(([, file = '', titles = '']) =>
    matches(titles, /"([^"]+)"/g).map((title) => ({ file, title })),
  );
}

describe.each(documents)('%s', (document) => {
  const text = read(document);

  it('links to files that exist', () => {
    const links = matches(text, /\]\(([^)\s]+)\)/g).filter((link) => !/^([a-z]+:|#)/.test(link));
    expect(links.filter((link) => !existsSync(join(root, dirname(document), link.replace(/#.*$/, ''))))).toEqual([]);
  });

  it('names files and folders that exist', () => expect(pathsIn(text).filter((path) => !isThere(path))).toEqual([]));

  it('quotes titles of tests that exist', () => {
    const quoted = titlesIn(text).filter(({ file }) => existsSync(join(root, file)));
    expect(quoted.filter(({ file, title }) => !readFileSync(join(root, file), 'utf8').includes(title))).toEqual([]);
  });

  it('names limits that exist', () => expect(matches(text, /\blimits\.(?!ts\b)(\w+)/g).filter((name) => !Object.hasOwn(limits, name))).toEqual([]));
});

it('docs/INVARIANTS.md has a section for each of I1 to I14', () => {
  const sections = matches(read('docs/INVARIANTS.md'), /^## (I\d+) /gm);
  expect(sections).toEqual(Array.from({ length: 14 }, (_, i) => `I${i + 1}`));
});
