// What a simulation injected, by the rows of docs/FAULTS.md that it owns, and whether that was often enough.

import { type OwnedRow, ownedRows, type Row } from './fault-rows.ts';
import { faultNames, faultOf } from './faults.ts';
import { addByTarget, type Count, type Counts } from './tally.ts';

/** In 2,000 seeds; in fewer so much less. */
const floors = { row: 1_000, target: 200, seeds: 2_000 };
/** With fewer seeds chance decides too much. */
const fewestSeeds = 100;

/** How often what must be seen `of` times in 2,000 seeds must be seen in so many. */
export const floorOf = (of: number, seeds: number): number => (seeds < fewestSeeds ? 0 : Math.floor((of * Math.min(seeds, floors.seeds)) / floors.seeds));

type Total = Count & { readonly at: Readonly<Record<string, Count>> };

/** @returns lines to print, and what was not seen often enough */
export function faultTable(counts: Counts, seeds: number): { lines: string[]; missing: string[] } {
  const [rowFloor, targetFloor] = [floorOf(floors.row, seeds), floorOf(floors.target, seeds)];
  const lines = [line('row of docs/FAULTS.md, and what was injected', ['injected', 'changed', 'commit', 'upload', 'seal'])];
  const missing: string[] = [];
  for (const [name, row] of Object.entries(ownedRows) as [Row, OwnedRow][]) {
    const members = [...faultNames.filter((fault) => faultOf(fault).row === name), ...(row.happenings ?? [])];
    const all = total(members.map((member) => counts[member]));
    lines.push(line(name, cells(all, row)));
    if (members.length > 1 || members[0] !== name) for (const member of members) lines.push(line(`  ${member}`, cells(total([counts[member]]), row)));
    if (all.injected < rowFloor) missing.push(`${name}: injected ${all.injected} times, ${rowFloor} at least`);
    if (row.changesCalls && all.changed < rowFloor) missing.push(`${name}: changed ${all.changed} outcomes, ${rowFloor} at least`);
    for (const target of row.at ?? []) {
      const changed = all.at[target]?.changed ?? 0;
      if (changed < targetFloor) missing.push(`${name}: changed ${changed} outcomes of a ${target}, ${targetFloor} at least`);
    }
  }
  return { lines, missing };
}

function total(all: readonly (Record<string, Count> | undefined)[]): Total {
  const at: Record<string, Count> = {};
  for (const byTarget of all) addByTarget(at, byTarget ?? {});
  const sum = (of: keyof Count): number => Object.values(at).reduce((all, count) => all + count[of], 0);
  return { injected: sum('injected'), changed: sum('changed'), at };
}

function cells({ injected, changed, at }: Total, row: OwnedRow): string[] {
  const changedAt = (target: 'commit' | 'upload' | 'seal') => (row.at?.includes(target) === true ? show(at[target]?.changed ?? 0) : '');
  return [show(injected), row.changesCalls ? show(changed) : '', changedAt('commit'), changedAt('upload'), changedAt('seal')];
}

const show = (number: number): string => number.toLocaleString('en');
const line = (name: string, columns: readonly string[]): string => `${name.padEnd(46)}${columns.map((column) => column.padStart(10)).join('')}`.trimEnd();
