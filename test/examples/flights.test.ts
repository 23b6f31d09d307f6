// The example runs, as a user would run it: 20,000 real flights there and back, with a kill in between.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const example = fileURLToPath(new URL('../../examples/flights/main.ts', import.meta.url));

test('I3, I6: flights come back as they were sent, although the server was killed', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [example, '--rows', '20000']);
  expect(stdout).toContain('the same as the file: 20,000 rows');
  expect(stderr).toContain('killed the server');
});
