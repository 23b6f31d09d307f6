// npm run pack: makes the package that others install, as build/wadi-<version>.tgz. Node strips no types below
// node_modules, so it holds JavaScript; and its own package.json, with nothing in it that only a clone needs.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { bundleFunctions } from './bundle-functions.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'build', 'wadi');

type Manifest = { readonly [name: string]: unknown; readonly version: string; readonly devDependencies: Readonly<Record<string, string>> };
const { name, version, description, license, type, engines, bin, dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

rmSync(join(root, 'build'), { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.pack.json')], { stdio: 'inherit' });
for (const file of ['bin', 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE']) cpSync(join(root, file), join(folder, file), { recursive: true });
// What puts it into a stack of the AWS CDK, and the functions that it deploys.
execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.pack-cdk.json')], { stdio: 'inherit' });
await bundleFunctions(join(folder, 'dist', 'lambda'));
const assets = join(root, 'node_modules', 'swagger-ui-dist');
mkdirSync(join(folder, 'dist', 'swagger-ui'));
for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE', 'NOTICE']) cpSync(join(assets, file), join(folder, 'dist', 'swagger-ui', file));
const manifest = {
  name,
  version,
  description,
  keywords: ['event-streaming', 'kafka', 'log', 'http'],
  license,
  type,
  engines,
  bin,
  files: ['bin', 'dist', 'CHANGELOG.md', 'SECURITY.md'],
  dependencies,
  exports: { './cdk': { types: './dist/cdk/index.d.ts', default: './dist/cdk/index.js' }, './package.json': './package.json' },
  peerDependencies: { 'aws-cdk-lib': `^${devDependencies['aws-cdk-lib']}`, constructs: `^${devDependencies['constructs']}` },
  peerDependenciesMeta: { 'aws-cdk-lib': { optional: true }, constructs: { optional: true } },
};
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

const { messages, pkg } = await publint({ pkgDir: folder, strict: true });
for (const message of messages) console.error(`${message.type}: ${formatMessage(message, pkg)}`);
if (messages.length > 0) process.exit(1);
const file = execFileSync('npm', ['pack', '--silent', '--pack-destination', join(root, 'build')], { cwd: folder, encoding: 'utf8' }).trim();
console.log(join('build', file));
