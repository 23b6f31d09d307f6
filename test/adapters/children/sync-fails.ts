// Writes one item, then waits for a line and writes another while its writes to the disk fail (its parent sees to that); says
// what the write met, what a read shows, and what becomes of the write after it.

import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { openJournalLedger } from '../../../src/adapters/local/journal-ledger.ts';
import type { StoreFailure } from '../../../src/ports/failure.ts';

const say = (line: string) => writeSync(1, `${line}\n`);
const ledger = await openJournalLedger({ databasePath: `${process.argv[2]}/ledger.db`, journalPath: `${process.argv[2]}/journal` });
const key = (sk: string) => ({ pk: 'P#test', sk });
const write = (sk: string) =>
  ledger.write({ key: key(sk), guards: [], action: 'put', item: {} }).then(
    () => 'applied',
    ({ reason, effect }: StoreFailure) => `${reason} ${effect}`,
  );
const present = async () => (await ledger.scan({ pk: 'P#test', limit: 10, strong: true })).items.map(({ sk }) => sk).join();

say(await write('before'));
await once(process.stdin, 'data');
const second = write('second');
// Its write takes a while to fail, and until it is durable nobody may see it.
let settled = false;
void second.finally(() => (settled = true));
let looks = 0;
for (let seen = 'before'; !settled; looks++) {
  seen = await present();
  if (seen !== 'before') say(`seen before its sync: ${seen}`);
  await new Promise((resolve) => setImmediate(resolve));
}
say(await second);
say(`${looks > 10 ? 'many' : looks} looks, ${await present()}`);
say(`${await write('third')}, ${ledger.writable() ? '' : 'not '}writable`);
process.kill(process.pid, 'SIGKILL');
