// The upload epochs: every payload carries the one in which it was made, so that the collector can delete
// payloads by whole epochs.

import { epochsKey } from '../log/keys.ts';
import { WadiError } from '../record/errors.ts';
import type { Broker } from './broker.ts';

/** Reads the epochs again; answers the lowest that is still open. Cost: one read. */
export async function readEpochs(broker: Broker): Promise<number> {
  const [item] = await broker.ledger.read([epochsKey], { strong: true });
  const epoch = item?.['ep'];
  const lowestOpen = item?.['cz'];
  if (typeof epoch !== 'number' || typeof lowestOpen !== 'number') throw new WadiError('storage_corrupt', 'The item that holds the upload epochs is missing or damaged.');
  broker.epoch = epoch;
  return lowestOpen;
}
