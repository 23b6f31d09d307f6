// What happens to brokers: they crash at any event, are stopped in order, and their clocks jump. And upload epochs
// are opened and closed under them, as the collector does (docs/PROTOCOL.md, 2.5).

import type { Write } from '../../../src/log/write.ts';
import type { Process } from '../network.ts';
import { createPorts } from '../ports.ts';
import { never } from '../profile.ts';
import type { Actor } from './actor.ts';

/** Also in a run of days a crash comes at most so often, in the mean. */
const maxHappenings = 60;

export const crashes: Actor = async (world, _name, random) => {
  const { crashEveryMs, activeMs } = world.profile;
  if (crashEveryMs >= never) return;
  while (world.active()) {
    await world.timeline.sleep(-Math.log(1 - random.next()) * Math.max(crashEveryMs, activeMs / maxHappenings));
    const node = random.pick(world.cluster.nodes);
    if (random.chance(0.25)) {
      world.tally.injected('stop');
      await world.cluster.stop(node);
    } else {
      world.tally.injected('crash');
      world.cluster.crash(node);
    }
  }
};

/** Now and then a store is gone for a while, at times for longer than an append may wait. */
export const outages: Actor = async (world, _name, random) => {
  const { outageEveryMs, activeMs } = world.profile;
  if (outageEveryMs >= never) return;
  while (world.active()) {
    await world.timeline.sleep(-Math.log(1 - random.next()) * Math.max(outageEveryMs, activeMs / maxHappenings));
    if (world.active()) world.network.outage(random.pick(['ledger', 'objects']), 200 * 250 ** random.next());
  }
};

export const clocks: Actor = async (world, _name, random) => {
  const { clockErrorMs, activeMs } = world.profile;
  while (world.active()) {
    if (clockErrorMs > 0) world.tally.injected('clock jump');
    random.pick(world.cluster.nodes).wall.errorMs = (2 * random.next() - 1) * clockErrorMs;
    await world.timeline.sleep(random.next() * activeMs * 0.2);
  }
};

/** Opens a new epoch, closes the old ones and fences every head, step by step over the same network. Dies at any step. */
export const epochs: Actor = async (world, name, random) => {
  const process: Process = { name, alive: true };
  const ignore = () => {};
  const { ledger } = createPorts({ ...world, process, random, wall: { errorMs: 0 }, itemWriteUnitsPerSecond: 0, nextId: ignoreId, onCount: ignore, onReport: ignore, onStaleRead: ignore });
  while (world.active()) {
    await world.timeline.sleep(random.next() * world.profile.activeMs * 0.6);
    try {
      const opened = await ledger.write({ key: { pk: 'G', sk: 'G' }, guards: [{ test: 'exists', path: 'ep' }], action: 'update', changes: [{ change: 'add', path: 'ep', by: 1 }] });
      const epoch = Number(opened.item?.['ep']);
      if (random.chance(0.3)) continue;
      await ledger.write({ key: { pk: 'G', sk: 'G' }, guards: [{ test: 'order', path: 'cz', order: '<', value: epoch }], action: 'update', changes: [{ change: 'set', path: 'cz', value: epoch }] });
      for (let shard = 0; shard < 16; shard++) {
        const { items } = await ledger.scan({ pk: `R#${shard.toString(16).padStart(2, '0')}`, limit: 1_000, strong: true });
        for (const { sk } of items) if ((await ledger.write(fence(`P#${sk}`, epoch))).applied) world.tally.injected('epoch closed');
      }
    } catch {
      // Begun again another time: every step is monotone.
    }
  }
};

const fence = (pk: string, epoch: number): Write => ({
  key: { pk, sk: 'H' },
  guards: [{ test: 'order', path: 'gm', order: '<', value: epoch }],
  action: 'update',
  changes: [{ change: 'set', path: 'gm', value: epoch }],
});

const ignoreId = (): number => 0;
