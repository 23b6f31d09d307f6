// The app that `npx cdk` runs. Settings come as `-c wadi:name=value` (docs/DEPLOY.md).

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { bundleFunctions } from '../../scripts/bundle-functions.ts';
import { InvalidSetting, readSettings } from '../lib/settings.ts';
import { WadiStack } from '../lib/wadi-stack.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
const functionsFolder = `${root}build/functions`;

const app = new App();
try {
  const settings = readSettings(app.node.getAllContext());
  await bundleFunctions(functionsFolder);
  new WadiStack(app, 'Wadi', { settings, functionsFolder, version });
  app.synth();
} catch (error) {
  if (!(error instanceof InvalidSetting)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
