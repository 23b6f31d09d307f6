import { constants, existsSync } from 'node:fs';
import { copyFile, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeItem, type Place } from '../../src/adapters/local/item-codec.ts';
import { type JournalPosition, openJournal } from '../../src/adapters/local/journal.ts';
import type { JournalChange } from '../../src/adapters/local/journal-format.ts';
import { recoverJournal } from '../../src/adapters/local/journal-recovery.ts';
import type { Item } from '../../src/log/write.ts';
import { seededRandom } from '../support/random.ts';
import { key, temporaryFolder } from './support.ts';

const nothing: JournalPosition = { file: 1, position: 0, sequence: 0 };
/** Where the system tells which files a process has open. */
const hasProc = existsSync('/proc/self/fd');
const none: ReadonlySet<number> = new Set();
const change = (sk: string, item: Item | undefined): JournalChange => ({ key: key(sk), encoded: item && encodeItem(key(sk), item) });
const fileOf = async (folder: string): Promise<string> => join(folder, (await readdir(folder)).sort()[0] as string);

/** What each group said, as `name:bytes` or `name:gone`, and where the journal goes on. */
async function recovered(folder: string, from = nothing, live = none) {
  const groups: string[][] = [];
  const { file } = await recoverJournal(folder, from, live, (items) => groups.push(items.map(({ key: { sk }, stored }) => `${sk}:${stored?.bytes.length ?? 'gone'}`)));
  const journal = await openJournal(folder, file, from);
  return { groups, journal };
}

/** A folder with these groups, and where each ends. */
async function written(groups: readonly (readonly JournalChange[])[]) {
  const folder = await temporaryFolder();
  const { journal } = await recovered(folder);
  const ends = [];
  for (const group of groups) {
    await journal.append(group);
    ends.push(journal.end());
  }
  await journal.close();
  return { folder, ends };
}

const three = [[change('a', { n: 1 })], [change('b', { b: new Uint8Array(9000).fill(3) }), change('a', undefined)], [change('c', { b: new Uint8Array(5000).fill(9), n: 2 })]];

it('what was appended is handed out again in order, from any checkpoint on, and can be read where it lies', async () => {
  const { folder, ends } = await written(three);
  const first = await recovered(folder);
  expect(first.groups).toEqual([[expect.stringMatching(/^a:\d+$/)], [expect.stringMatching(/^b:90\d\d$/), 'a:gone'], [expect.stringMatching(/^c:50\d\d$/)]]);
  expect(first.journal.end()).toEqual(ends[2]);
  const [place] = await first.journal.append([change('d', { b: new Uint8Array(70).fill(1) })]);
  expect(Buffer.from((await first.journal.read(place as NonNullable<typeof place>)) as Buffer).subarray(-70)).toEqual(Buffer.alloc(70, 1));
  await first.journal.close();
  const later = await recovered(folder, ends[1]);
  expect(later.groups.map(([name]) => name?.slice(0, 2))).toEqual(['c:', 'd:']);
  await later.journal.close();
});

describe('a crash while a group was written', () => {
  it('I3: wherever the file ends, what was appended before is whole, what was not is gone, and writing goes on', async () => {
    const { folder, ends } = await written(three);
    const file = await fileOf(folder);
    const whole = await readFile(file);
    const random = seededRandom(5);
    const cuts = [36, ...Array.from({ length: 40 }, () => random.between(36, whole.length - 1)), ...ends.flatMap(({ position }) => [position - 1, position, position + 1])];
    for (const cut of cuts.filter((at) => at < whole.length)) {
      const copy = await temporaryFolder();
      const to = join(copy, '0000000001.wadi');
      await copyFile(file, to);
      await truncate(to, cut);
      const { groups, journal } = await recovered(copy);
      expect(groups.length, `cut at ${cut}`).toBe(ends.filter(({ position }) => position <= cut).length);
      await journal.append([change('z', { n: cut })]);
      await journal.close();
      const again = await recovered(copy);
      expect(again.groups.length).toBe(groups.length + 1);
      await again.journal.close();
    }
  });

  it('I3: a last group whose bytes reached the disk in part is taken for what it is', async () => {
    const { folder, ends } = await written(three);
    const file = await fileOf(folder);
    const whole = await readFile(file);
    const [start, end] = [ends[1]?.position as number, ends[2]?.position as number];
    const random = seededRandom(6);
    for (let round = 0; round < 60; round++) {
      const torn = Buffer.from(whole);
      // Blocks of it were never written.
      const from = random.between(start, end - 2);
      torn.fill(0, from, Math.min(end, from + random.between(1, 3000)));
      if (torn.equals(whole)) continue;
      await writeFile(file, torn);
      const { groups, journal } = await recovered(folder);
      expect(groups.length, `round ${round}`).toBe(2);
      expect(journal.end()).toEqual(ends[1]);
      await journal.close();
    }
  });

  it('a file that was being made has no header yet; the journal goes on without it', async () => {
    const { folder, ends } = await written(three);
    await writeFile(join(folder, '0000000002.wadi'), 'WADI');
    const { groups, journal } = await recovered(folder);
    expect({ groups: groups.length, end: journal.end() }).toEqual({ groups: 3, end: ends[2] });
    await journal.close();
    const empty = await temporaryFolder();
    await writeFile(join(empty, '0000000001.wadi'), '');
    const fresh = await recovered(empty);
    expect(fresh.groups).toEqual([]);
    await fresh.journal.append([change('a', { n: 1 })]);
    await fresh.journal.close();
  });

  it('nobody can forge a group by the bytes of a record', async () => {
    const { folder } = await written(three);
    const stolen = (await readFile(await fileOf(folder))).subarray(36);
    // The group of another journal, within the last group of this one, which is then torn.
    const mine = await written([[change('a', { n: 1 })], [change('b', { b: Buffer.concat([stolen, Buffer.alloc(6000, 1)]) })]]);
    const file = await fileOf(mine.folder);
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0, bytes.length - 100));
    const { groups, journal } = await recovered(mine.folder);
    expect(groups.length).toBe(1);
    await journal.close();
  });
});

describe('I14: damage is loud', () => {
  it('in the contents of a group with others behind it', async () => {
    const { folder, ends } = await written(three);
    const file = await fileOf(folder);
    const bytes = await readFile(file);
    const at = (ends[0]?.position as number) + 30;
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(file, bytes);
    await expect(recovered(folder)).rejects.toMatchObject({
      reason: 'corrupt',
      message: expect.stringMatching(/0000000001\.wadi is damaged at byte \d+: what was written later, at byte \d+, is whole/),
    });
  });

  it('in an item with groups behind it: the rest is there, and the item is as it is', async () => {
    const { folder } = await written(three);
    const file = await fileOf(folder);
    const bytes = await readFile(file);
    const at = bytes.indexOf(Buffer.alloc(9000, 3)) + 4000;
    bytes[at] = 4;
    await writeFile(file, bytes);
    const { groups, journal } = await recovered(folder);
    expect(groups.length).toBe(3);
    await journal.close();
  });

  it('where a file, or the end of one, is missing that the checkpoint vouches for', async () => {
    const { folder, ends } = await written(three);
    const end = ends[2] as JournalPosition;
    await expect(recoverJournal(folder, nothing, new Set([7]), () => {})).rejects.toMatchObject({ reason: 'corrupt', message: expect.stringContaining('0000000007.wadi is missing') });
    await truncate(await fileOf(folder), end.position - 1);
    await expect(recovered(folder, end)).rejects.toMatchObject({ reason: 'corrupt', message: expect.stringContaining('bytes of') });
    await rm(await fileOf(folder));
    await expect(recovered(folder, end)).rejects.toMatchObject({ reason: 'corrupt', message: expect.stringContaining('is missing') });
  });

  it('of a newer format is refused as such', async () => {
    const { folder } = await written(three);
    const file = await fileOf(folder);
    const bytes = await readFile(file);
    bytes.writeUInt32LE(2, 8);
    const { crc32c } = await import('@node-rs/crc32');
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 32)), 32);
    await writeFile(file, bytes);
    await expect(recovered(folder)).rejects.toMatchObject({ reason: 'newer' });
  });
});

it('goes on in the next file when one is full, and is recovered across files', async () => {
  const folder = await temporaryFolder();
  const { journal } = await recovered(folder);
  const large = change('large', { b: new Uint8Array(9_000_000) });
  for (let i = 0; i < 17; i++) await journal.append([large, change(`k${i}`, { i })]);
  const end = journal.end();
  expect(end.file).toBe(3);
  await journal.close();
  const again = await recovered(folder);
  expect(again.groups.length).toBe(17);
  expect(again.journal.end()).toEqual(end);
  await again.journal.close();
  // The second file lost: what stands in the third cannot be reached.
  const torn = join(folder, '0000000002.wadi');
  await truncate(torn, 40_000_000);
  await expect(recovered(folder)).rejects.toMatchObject({ reason: 'corrupt', message: expect.stringContaining('0000000003.wadi, is whole') });
});

describe('two files', () => {
  const large = (sk: string) => [change(sk, { b: new Uint8Array(9_000_000) })];
  const nine = () => written(Array.from({ length: 9 }, (_, i) => large(`l${i}`)));
  const flip = async (folder: string, number: number, at: number) => {
    const path = join(folder, `000000000${number}.wadi`);
    const bytes = await readFile(path);
    bytes[at < 0 ? bytes.length + at : at] = (bytes.at(at) as number) ^ 1;
    await writeFile(path, bytes);
  };

  it.each([1, 2])('I3, I14: a damaged header of file %i is loud, and no file is removed', async (number) => {
    const { folder, ends } = await nine();
    expect(ends.at(-1)?.file).toBe(2);
    const names = await readdir(folder);
    await flip(folder, number, 20);
    await expect(recovered(folder)).rejects.toMatchObject({ reason: 'corrupt', message: expect.stringContaining(`000000000${number}.wadi has a damaged header`) });
    expect(await readdir(folder)).toEqual(names);
  });

  it('I14: a damaged item in the last group of a file stops nothing where a group stands in the next', async () => {
    const { folder } = await nine();
    await flip(folder, 1, -1000);
    const { groups, journal } = await recovered(folder);
    expect(groups).toHaveLength(9);
    await journal.close();
  });

  it.skipIf(!hasProc)('I13: a file that is removed while it is read is let go after, and its items are gone', async () => {
    const folder = await temporaryFolder();
    const { journal } = await recovered(folder);
    const [place] = await journal.append(large('first'));
    for (let i = 0; i < 8; i++) await journal.append(large(`l${i}`));
    // The file is open from here on: whether the name or the read goes first does not matter.
    await journal.read(place as Place);
    const reading = journal.read(place as Place);
    await journal.remove([1]);
    expect(await reading).toHaveLength((place as Place).bytes);
    const removed = async () => {
      const targets = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return targets.filter((target) => target.includes(folder) && target.endsWith('(deleted)'));
    };
    await expect.poll(removed).toEqual([]);
    expect(await journal.read(place as Place)).toBeUndefined();
    await journal.close();
  });
});

it.skipIf(!hasProc)('I3: groups are written through a descriptor whose writes are durable', async () => {
  const folder = await temporaryFolder();
  const flagsOf = async () => {
    const fds = await readdir('/proc/self/fd');
    const targets = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    const ours = fds.filter((_, i) => targets[i]?.startsWith(folder));
    return Promise.all(ours.map(async (fd) => Number.parseInt(/flags:\s*(\d+)/.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8)));
  };
  const isDurable = (flags: number) => (flags & constants.O_DSYNC) !== 0;
  const first = await recovered(folder);
  expect((await flagsOf()).map(isDurable)).toEqual([true]);
  await first.journal.append([change('a', { n: 1 })]);
  await first.journal.close();
  const again = await recovered(folder);
  expect((await flagsOf()).map(isDurable)).toEqual([true]);
  await again.journal.close();
});
