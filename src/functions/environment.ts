// What a function is told by its environment.

import { type CloudStores, connectCloud } from '../wiring/cloud.ts';
import { createLog, type Log, logLevels } from '../wiring/log.ts';

/** Asks nobody anything yet. @throws Error where a variable is missing */
export function readEnvironment(): { readonly stores: CloudStores; readonly log: Log } {
  const { WADI_TABLE: table, WADI_BUCKET: bucket, WADI_LOG_LEVEL, WADI_S3_PATH_STYLE } = process.env;
  if (!table || !bucket) throw new Error('WADI_TABLE and WADI_BUCKET name the table and the bucket: set both in the environment of the function.');
  const level = logLevels.find((known) => known === WADI_LOG_LEVEL) ?? 'info';
  return {
    stores: connectCloud({ table, bucket, aws: {}, pathStyle: WADI_S3_PATH_STYLE === 'true' }),
    log: createLog(level, 'json', (line) => void process.stdout.write(line)),
  };
}
