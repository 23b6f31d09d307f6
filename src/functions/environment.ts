// What a function is told by its environment.

import type { CloudStores } from '../wiring/cloud.ts';
import { connectForFunction } from '../wiring/functions.ts';
import { createLog, type Log, logLevels } from '../wiring/log.ts';

/** Asks nobody anything yet. @throws Error where a variable is missing */
export function readEnvironment(): { readonly stores: CloudStores; readonly log: Log; readonly version: string } {
  const { WADI_TABLE: table, WADI_BUCKET: bucket, WADI_LOG_LEVEL, WADI_S3_PATH_STYLE, WADI_VERSION } = process.env;
  if (!table || !bucket) throw new Error('WADI_TABLE and WADI_BUCKET name the table and the bucket: set both in the environment of the function.');
  const level = logLevels.find((known) => known === WADI_LOG_LEVEL) ?? 'info';
  return {
    stores: connectForFunction({ table, bucket, pathStyle: WADI_S3_PATH_STYLE === 'true' }),
    version: WADI_VERSION ?? 'unknown',
    log: createLog(level, 'json', (line) => void process.stdout.write(line)),
  };
}
