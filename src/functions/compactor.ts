// The function that a timer starts: it carries out what requests left to be done later.

import { createCompactor } from './compact.ts';
import { readEnvironment } from './environment.ts';
import type { Invocation } from './serve.ts';

const compact = createCompactor(readEnvironment());

export const handler = (_event: unknown, invocation: Invocation): Promise<{ readonly settled: number }> => compact(invocation);
