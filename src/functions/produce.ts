// The function for every request that is not a GET.

import { lambdaHandler } from './lambda.ts';

export const handler = lambdaHandler('produce');
