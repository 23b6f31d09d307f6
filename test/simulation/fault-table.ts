// What a simulation injected, by the rows of docs/FAULTS.md that it owns, and whether that was often enough.

import { type OwnedRow, ownedRows, type Row } from './fault-rows.ts';
import { faultNames, faultOf } from './faults.ts';
import type { Count, Counts } from './tally.ts';

/** In 2,000 seeds; in fewer so much less. */
const floors = { row: 1_000, target: 200, seeds: 2_000 };
/** With fewer seeds chance decides too much. */
const fewestSeeds = 100;

type Total = Count & { readonly at: Readonly<Record<string, Count>> };

/** @returns lines to print, and what was not seen often enough */
export function faultTable(counts: Counts, seeds: number): { lines: string[]; missing: string[] } {
  const floor = (of: number): number => (seeds < fewestSeeds ? 0 : Math.floor((of * Math.min(seeds, floors.seeds)) / floors.seeds));
  const lines = [line('row of docs/FAULTS.md, and what was injected', ['injected', 'changed', 'commit', 'upload', 'seal'])];
  const missing: string[] = [];
  for (const [name, row] of Object.entries(ownedRows) as [Row, OwnedRow][]) {
    const members = [...faultNames.filter((fault) => faultOf(fault).row === name), ...(row.happenings ?? [])];
    const all = total(members.map((member) => counts[member]));
    lines.push(line(name, cells(all, row)));
    if (members.length > 1 || members[0] !== name) for (const member of members) lines.push(line(`  ${member}`, cells(total([counts[member]]), row)));
    if (all.injected < floor(floors.row)) missing.push(`${name}: injected ${all.injected} times, ${floor(floors.row)} at least`);
    if (row.changesCalls && all.changed < floor(floors.row)) missing.push(`${name}: changed ${all.changed} outcomes, ${floor(floors.row)} at least`);
    for (const target of row.at ?? []) {
      const changed = all.at[target]?.changed ?? 0;
      if (changed < floor(floors.target)) missing.push(`${name}: changed ${changed} outcomes of a ${target}, ${floor(floors.target)} at least`);
    }
  }
  return { lines, missing };
}

function total(all: readonly (Record<string, Count> | undefined)[]): Total {
  const sum = { injected: 0, changed: 0, at: {} as Record<string, Count> };
  for (const byTarget of all) {
    for (const [target, { injected, changed }] of Object.entries(byTarget ?? {})) {
      sum.injected += injected;
      sum.changed += changed;
      sum.at[target] ??= { injected: 0, changed: 0 };
      sum.at[target].injected += injected;
      sum.at[target].changed += changed;
    }
  }
  return sum;
}

function cells({ injected, changed, at }: Total, row: OwnedRow): string[] {
  const changedAt = (target: 'commit' | 'upload' | 'seal') => (row.at?.includes(target) === true ? show(at[target]?.changed ?? 0) : '');
  return [show(injected), row.changesCalls ? show(changed) : '', changedAt('commit'), changedAt('upload'), changedAt('seal')];
}

const show = (number: number): string => number.toLocaleString('en');
const line = (name: string, columns: readonly string[]): string => `${name.padEnd(46)}${columns.map((column) => column.padStart(10)).join('')}`.trimEnd();
