// The embedded home as wiring opens it: what cannot be opened is told in a sentence and left as it was found.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createTopic } from '../../src/broker/create-topic.ts';
import { openEmbedded } from '../../src/wiring/embedded.ts';
import { CannotOpen } from '../../src/wiring/home.ts';
import { temporaryFolder } from '../support/server-process.ts';

it('gives the folder up where it cannot open what is in it', async () => {
  const folder = temporaryFolder('home');
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/ledger.db`, 'this is no database'.repeat(500));
  for (let i = 0; i < 2; i++) await expect(openEmbedded(folder)).rejects.toThrow(CannotOpen);
  await expect(openEmbedded(folder)).rejects.toThrow(/^Cannot open .*ledger\.db.*\.$/);
  rmSync(`${folder}/ledger.db`);
  await (await openEmbedded(folder)).close();
});

it('gives the folder up when it is closed, with everything in it', async () => {
  const folder = temporaryFolder('home');
  const first = await openEmbedded(folder);
  await expect(openEmbedded(folder)).rejects.toThrow('in use by this process already');
  expect((await createTopic(first.broker, { name: 't' })).created).toBe(true);
  await first.close();
  const second = await openEmbedded(folder);
  expect((await createTopic(second.broker, { name: 't' })).created).toBe(false);
  await second.close();
});
