import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { happenings, type OwnedRow, otherRows, ownedRows } from './fault-rows.ts';
import { faultNames, faultOf } from './faults.ts';

const root = join(import.meta.dirname, '../..');
const rows = readFileSync(join(root, 'docs/FAULTS.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(1)
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('docs/FAULTS.md lists the rows that the simulator owns, and for each other one what tests it', () => {
  const told = Object.fromEntries(rows.map((cells) => [cells[1], cells[4]]));
  expect(told).toEqual({ ...Object.fromEntries(Object.keys(ownedRows).map((row) => [row, 'simulator'])), ...otherRows });
});

test('each row that the simulator owns has something that injects it', () => {
  const used = new Set<string>();
  for (const [name, row] of Object.entries(ownedRows) as [string, OwnedRow][]) {
    const members = [...faultNames.filter((fault) => faultOf(fault).row === name), ...(row.happenings ?? [])];
    expect(members.length, name).toBeGreaterThan(0);
    for (const member of members) used.add(member);
  }
  expect([...used].sort()).toEqual([...faultNames, ...happenings].sort());
});

test('the tests and scripts that own a row exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  for (const owner of Object.values(otherRows)) {
    if (owner.startsWith('not built')) continue;
    for (const part of owner.replace(/\(.*?\)/g, '').split(',')) {
      const script = /^npm run (\S+)/.exec(part.trim())?.[1];
      if (script === undefined) expect(existsSync(join(root, part.trim())), part).toBe(true);
      else expect(scripts, part).toHaveProperty([script]);
    }
  }
});
