// The disk that forgets, by itself: what a power cut leaves of what a program wrote, synced, named and removed.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/server-process.ts';
import { canBuild, createForgetfulDisk } from './power-cut.ts';

/** Without a compiler there is no such disk; `npm run crash -- --drop-unsynced` installs one. */
const test = it.skipIf(!canBuild());

/** Runs a program of node:fs in the folder, on the disk, and cuts the power at its end. */
function runAndCut(folder: string, program: string): void {
  const disk = createForgetfulDisk(folder);
  const helpers = `
    const fs = require('node:fs'); process.chdir(${JSON.stringify(folder)});
    const sync = (path) => { const fd = fs.openSync(path, 'r'); fs.fsyncSync(fd); fs.closeSync(fd); };
    const write = (path, text, { synced = true } = {}) => { const fd = fs.openSync(path, 'w'); fs.writeSync(fd, text, 0); if (synced) fs.fsyncSync(fd); fs.closeSync(fd); };
  `;
  const { status, stderr } = spawnSync(process.execPath, ['-e', `${helpers}\n${program}`], { env: { ...process.env, ...disk.env }, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  disk.cut();
}

const tree = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => `${name}: ${readFileSync(join(folder, name), 'latin1')}`)
    .sort();

test('bytes are kept where their file was synced, names where their folder was', () => {
  const folder = temporaryFolder('power-cut-test');
  runAndCut(
    folder,
    `
    write('both', 'kept'); write('bytes-only', 'x', { synced: false }); sync('.');
    write('name-missing', 'lost');
    const fd = fs.openSync('both', 'r+'); fs.writeSync(fd, 'LOST', 0); fs.closeSync(fd);
    `,
  );
  expect(tree(folder)).toEqual(['both: kept', 'bytes-only: ']);
});

test('what O_DSYNC wrote is kept without a further sync, and a sync takes all that was written before it', () => {
  const folder = temporaryFolder('power-cut-test');
  runAndCut(
    folder,
    `
    const durable = fs.openSync('durable', fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_DSYNC);
    fs.writeSync(durable, 'one ', 0); fs.writevSync(durable, [Buffer.from('two'), Buffer.from(' three')], 4);
    const other = fs.openSync('other', 'w'); fs.writeSync(other, 'abcdef', 0); fs.writeSync(other, 'B', 1); fs.ftruncateSync(other, 4); fs.fdatasyncSync(other);
    fs.writeSync(other, 'lost', 4);
    sync('.');
    `,
  );
  expect(tree(folder)).toEqual(['durable: one two three', 'other: aBcd']);
});

test('a name that was removed or moved stands until its folder is synced', () => {
  const folder = temporaryFolder('power-cut-test');
  writeFileSync(join(folder, 'removed'), 'old');
  writeFileSync(join(folder, 'moved'), 'old');
  runAndCut(folder, "fs.unlinkSync('removed'); fs.renameSync('moved', 'elsewhere'); write('removed', 'new');");
  expect(tree(folder)).toEqual(['moved: old', 'removed: old']);
  runAndCut(folder, "fs.unlinkSync('removed'); fs.renameSync('moved', 'elsewhere'); sync('.');");
  expect(tree(folder)).toEqual(['elsewhere: old']);
});

test('folders made at once below a new one: each has what its own sync made durable, in whatever order they were synced', () => {
  const folder = temporaryFolder('power-cut-test');
  runAndCut(
    folder,
    `
    fs.mkdirSync('top/a/inner', { recursive: true }); fs.mkdirSync('top/b/inner', { recursive: true });
    for (const path of ['top/a', 'top', 'top/b', '.', 'top', '.']) sync(path);
    write('top/b/inner/file', 'kept'); sync('top/b/inner');
    write('top/a/inner/file', 'kept'); write('top/a/inner/other', 'x', { synced: false }); sync('top/a/inner');
    fs.mkdirSync('top/c/inner', { recursive: true }); write('top/c/inner/file', 'lost'); sync('top/c/inner');
    `,
  );
  expect(tree(folder)).toEqual(['top/a/inner/file: kept', 'top/a/inner/other: ', 'top/b/inner/file: kept']);
  expect(existsSync(join(folder, 'top/c'))).toBe(false);
});
