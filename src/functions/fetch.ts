// The function for every GET: it writes nothing.

import { lambdaHandler } from './lambda.ts';

export const handler = lambdaHandler('fetch');
