// The package as others get it: installed by npm into an empty folder under Node 20, it serves, produces and consumes.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../support/options.ts';
import { temporaryFolder, track } from '../support/server-process.ts';

const help = `
npm run test:pack -- [options]

Makes the package (npm run pack, which has publint judge it), installs it into an empty folder under Node 20, and uses
it there: wadi serve, topics create, produce, consume, an end by SIGTERM, and its construct in a stack. Where the Node outside of this project is
not 20, one is fetched from npm.

  --ci   the same

Ends with 'N passed, N failed'; exits 1 if anything failed.
`;

readOptions(help, { ci: 'flag' });
const root = fileURLToPath(new URL('../..', import.meta.url));
let passed = 0;
let failed = 0;
const check = (name: string, problems: readonly string[]): void => {
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  for (const problem of problems) console.log(`         ${problem}`);
  if (problems.length === 0) passed++;
  else failed++;
};

/** Without what npm adds for scripts of this project: its own Node above all. */
const outside = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
const paths = (process.env['PATH'] ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
const folder = temporaryFolder('pack');
const env: NodeJS.ProcessEnv = { ...outside, PATH: (await withNode20(paths)).join(delimiter), HOME: folder };
const run = (command: string, args: readonly string[], input = ''): { code: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: app, env, input, encoding: 'utf8', timeout: 120_000 });
  return { code: status, out: stdout, err: stderr };
};

execFileSync('npm', ['run', '--silent', 'pack'], { cwd: root, stdio: 'inherit' });
const tarball = readdirSync(join(root, 'build')).find((name) => name.endsWith('.tgz')) as string;
const app = join(folder, 'app');
mkdirSync(app);
writeFileSync(join(app, 'package.json'), '{"name":"app","private":true,"allowScripts":{"node":true}}');
const installed = run('npm', ['install', '--no-audit', '--no-fund', join(root, 'build', tarball)]);
const nodeVersion = run('node', ['--version']).out.trim();
check(`npm installs it into an empty folder, under Node ${nodeVersion}`, [
  ...(installed.code === 0 ? [] : [installed.out + installed.err]),
  ...(nodeVersion.startsWith('v20.') ? [] : [`that is not Node 20: ${nodeVersion}`]),
]);
const wadi = join(app, 'node_modules', '.bin', 'wadi');
check('it has the command, and its help', run(wadi, ['help', 'produce']).out.includes('Examples:') ? [] : [JSON.stringify(run(wadi, ['help', 'produce']))]);

const server = spawn(wadi, ['serve', '--data', join(folder, 'data'), '--port', '0'], { cwd: app, env });
track(server);
const url = await listening(server);
const at = ['--url', url];
check('it serves, and makes a topic', run(wadi, ['topics', 'create', 'greetings', '--partitions', '1', ...at]).code === 0 ? [] : ['no topic']);
const page = await fetch(`${url}/v1/docs/swagger-ui-bundle.js`);
check('it has the reference page, with all of its parts', page.status === 200 && (await page.text()).length > 1_000_000 ? [] : [`status ${page.status}`]);
const lines = 'hello\n{"n":1.10}\n';
const produced = run(wadi, ['produce', 'greetings', ...at], lines);
check('it produces', produced.code === 0 ? [] : [produced.err]);
const consumed = run(wadi, ['consume', 'greetings', ...at]);
check('it consumes what was produced', consumed.out === lines ? [] : [JSON.stringify(consumed)]);
for (const name of ['aws-cdk-lib', 'constructs']) symlinkSync(join(root, 'node_modules', name), join(app, 'node_modules', name));
const stack =
  "import { App, Stack } from 'aws-cdk-lib'; import { Wadi } from 'wadi/cdk'; const app = new App(); new Wadi(new Stack(app, 'Mine'), 'Log', { produceConcurrency: 20 }); const { template } = app.synth().getStackByName('Mine'); console.log(Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function').length);";
const synthesized = run('node', ['--input-type=module', '-e', stack]);
check('its construct goes into a stack of others, with its functions', synthesized.out.trim() === '3' ? [] : [synthesized.out + synthesized.err]);
server.kill('SIGTERM');
const [code, signal] = (await once(server, 'exit')) as [number | null, string | null];
check('SIGTERM ends it in order', code === 0 || signal === 'SIGTERM' ? [] : [`exit code ${code}, signal ${signal}`]);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function listening(child: ChildProcess): Promise<string> {
  let printed = '';
  return new Promise((resolve, reject) => {
    const read = (text: string): void => {
      printed += text;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('exit', () => reject(new Error(`the server ended: ${printed}`)));
  });
}

/** The system's Node where it is 20, else npm's. */
async function withNode20(system: readonly string[]): Promise<readonly string[]> {
  const { stdout } = spawnSync('node', ['--version'], { env: { ...outside, PATH: system.join(delimiter) }, encoding: 'utf8' });
  if (stdout?.startsWith('v20.')) return system;
  const prefix = join(folder, 'node-20');
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'package.json'), '{"private":true,"allowScripts":{"node":true}}');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', 'node@20'], { cwd: prefix, stdio: 'ignore' });
  const bin = join(prefix, 'node_modules', 'node', 'bin');
  if (!existsSync(bin)) throw new Error('npm gave no Node 20');
  return [bin, ...system];
}
