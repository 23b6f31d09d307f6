// Has nothing left but a timer of the clock, an hour away: it ends.

import { systemClock } from '../../../src/adapters/local/system-clock.ts';

systemClock.after(3_600_000, () => undefined);
process.stdout.write('waiting\n');
