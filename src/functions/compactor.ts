// The function that a timer starts: it carries out what requests left to be done later.

import { compactorHandler } from './lambda.ts';

export const handler = compactorHandler();
