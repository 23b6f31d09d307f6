// What a deletion promises: whatever begins after it was answered neither appends to the topic nor reads of it.

import type { HistoryEvent } from '../../support/history.ts';
import type { Finding, Recorder } from '../recorder.ts';

export function checkDeleted({ deleted }: Recorder, history: readonly HistoryEvent[]): Finding[] {
  return history.flatMap((event): Finding[] => {
    const deletion = deleted.get(event.partition.split('/')[0] ?? '');
    if (deletion === undefined || event.began < deletion.ended) return [];
    if (event.kind === 'append' && event.outcome.result !== 'acknowledged') return [];
    const what = event.kind === 'append' ? `append ${event.records[0]} was acknowledged` : `a read by ${event.client} was answered`;
    return [{ rule: 'deleted', detail: `${event.partition}: ${what} (from moment ${event.began} on) after the deletion (answered at ${deletion.ended})` }];
  });
}
