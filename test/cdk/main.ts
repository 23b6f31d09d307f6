// npm run test:cdk: what the cdk command makes of the stack, without a network, held to cfn-lint.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../support/options.ts';
import { removeFolder, temporaryFolder } from '../support/server-process.ts';
import { createTally } from '../support/tally.ts';

const help = `
npm run test:cdk -- [options]

Has 'cdk synth' make the template of the stack, as it is by default and with all that can be added, in a process that has
no network (Linux; unshare), and runs cfn-lint on each. cfn-lint is installed below ~/.cache the first time (Python 3).

  --ci   the same

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

readOptions(help, { ci: 'flag' });
const root = fileURLToPath(new URL('../..', import.meta.url));
const version = '1.58.0';
const venv = join(homedir(), '.cache', `wadi-cfn-lint-${version}`);

const variants: Readonly<Record<string, readonly string[]>> = {
  'by default': [],
  'with all that can be added': ['wadi:keepData=false', 'wadi:webFunction=true', 'wadi:alarmEmail=team@example.com', 'wadi:corsOrigins=https://app.example', 'wadi:produceConcurrency=unreserved'],
};

/** Answers what is wrong; nothing: it went well. */
function run(command: string, args: readonly string[]): string[] {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8', env: { ...process.env, AWS_EC2_METADATA_DISABLED: 'true' } });
  if (error !== undefined) return [error.message];
  return status === 0 ? [] : `${stdout}${stderr}`.trim().split('\n');
}

const tally = createTally();
if (!existsSync(join(venv, 'bin', 'cfn-lint'))) {
  const problems = [...run('python3', ['-m', 'venv', venv]), ...run(join(venv, 'bin', 'pip'), ['install', '-q', '--disable-pip-version-check', `cfn-lint==${version}`])];
  if (problems.length > 0) tally.check('cfn-lint can be installed', problems);
}
const cdk = join(root, 'node_modules', '.bin', 'cdk');
for (const [name, settings] of Object.entries(variants)) {
  const folder = temporaryFolder('cdk');
  tally.check(`the stack ${name} is synthesized without a network`, run('unshare', ['--net', cdk, 'synth', '--quiet', '--ci', '--output', folder, ...settings.flatMap((setting) => ['-c', setting])]));
  tally.check(`cfn-lint finds nothing in the stack ${name}`, run(join(venv, 'bin', 'cfn-lint'), ['--template', join(folder, 'Wadi.template.json'), '--regions', 'eu-central-1', 'us-east-1']));
  removeFolder(folder);
}
tally.end();
