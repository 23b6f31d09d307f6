// Whether a commit landed before the head stopped listing it: the sealed runs tell (PROTOCOL 2.1, 4b).

import { type Commit, type CommitEntry, type Landed, landedIn } from '../log/append.ts';
import { placeRefs } from '../log/head.ts';
import { partitionKey } from '../log/keys.ts';
import { WadiError } from '../record/errors.ts';
import type { Broker } from './broker.ts';
import type { Lane } from './committer.ts';
import { runHolding } from './runs.ts';

/**
 * Reads every run from `pin` on to `windowBase`. An empty answer is certain: the runs were found without a gap
 * and none holds the commit.
 * @throws WadiError internal where a run is missing, for then nothing is certain
 */
export async function searchRuns<Entry extends CommitEntry>(broker: Broker, lane: Lane, commit: Commit<Entry>, pin: number, windowBase: number): Promise<readonly Landed<Entry>[]> {
  for (let offset = pin; offset < windowBase; ) {
    const run = await runHolding(broker, lane.topicId, lane.partition, offset);
    if (run === undefined) throw new WadiError('internal', `${partitionKey(lane.topicId, lane.partition)} has no run that holds offset ${offset}.`);
    const landed = landedIn(commit, placeRefs(run.baseOffset, run.refs));
    if (landed.length > 0) return landed;
    offset = run.nextOffset;
  }
  return [];
}
