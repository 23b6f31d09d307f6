import { expect, it } from 'vitest';
import { openDataFolder } from '../../src/adapters/local/data-folder.ts';
import { openFileObjectStore } from '../../src/adapters/local/file-object-store.ts';
import { openJournalLedger } from '../../src/adapters/local/journal-ledger.ts';
import { content } from './children/content.ts';
import { child, key, temporaryFolder } from './support.ts';

it('I3: what was answered before kill -9 is there after it, whole, and the folder opens at once', { timeout: 60_000 }, async () => {
  const path = await temporaryFolder();
  const answered: string[] = [];
  for (const [round, lines] of [40, 333, 700].entries()) {
    const writer = child('writer.ts', [path, String(round)]);
    expect(await writer.line()).toBe('ready');
    for (let i = 0; i < lines; i++) answered.push((await writer.line()) as string);
    writer.process.kill('SIGKILL');
    // What it said before it died counts as well.
    for (let line = await writer.line(); line !== undefined; line = await writer.line()) answered.push(line);
    await writer.ended();

    const folder = await openDataFolder(path);
    const ledger = await openJournalLedger(folder);
    const objects = await openFileObjectStore({ root: folder.objectsPath, aside: folder.asidePath });
    for (const line of answered) {
      const [kind, name] = line.split(' ') as [string, string];
      const found = kind === 'item' ? (await ledger.read([key(name, 'payload')], { strong: true }))[0]?.bytes : await objects.read(name);
      expect(Buffer.compare(found as Uint8Array, content(name)), line).toBe(0);
    }
    await expectWhole(ledger);
    for (const { key: name, bytes } of await objects.list('', { limit: 100_000 })) expect(bytes, name).toBe(content(name).length);
    await ledger.close();
    folder.release();
  }
});

/** Each lane's head and its payloads were written together, so they must tell the same. */
async function expectWhole(ledger: Awaited<ReturnType<typeof openJournalLedger>>): Promise<void> {
  const names: string[] = [];
  for (let from = ' ', more = true; more; ) {
    const page = await ledger.scan({ pk: 'payload', from, limit: 1000, strong: true });
    names.push(...page.items.map(({ sk }) => sk));
    from = `${names.at(-1)} `;
    more = page.more;
  }
  for (const { sk: lane, item } of (await ledger.scan({ pk: 'head', limit: 100, strong: true })).items) {
    expect(names.filter((name) => name.split('-')[1] === lane).length).toBe(item.count);
    expect(names).toContain(item.last);
  }
}
