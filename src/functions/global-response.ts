// Imported before whatever makes answers.

import { LightResponse } from './light-response.ts';

Object.assign(globalThis, { Response: LightResponse });
