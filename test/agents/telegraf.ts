// Telegraf with the plugins that the example uses, built from its source by Go, and kept for the next run.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = 'v1.37.2';
const plugins = 'custom,inputs.cpu,outputs.http,serializers.json';

const folder = join(tmpdir(), `wadi-telegraf-${version}`);
const binary = join(folder, 'telegraf');

export const hasTelegraf = (): boolean => existsSync(binary);

/** The binary; undefined where it cannot be built. */
export function installTelegraf(): string | undefined {
  if (hasTelegraf()) return binary;
  console.log(`building Telegraf ${version} (about a minute)`);
  mkdirSync(folder, { recursive: true });
  const { status, stderr, error } = spawnSync('go', ['install', '-tags', plugins, `github.com/influxdata/telegraf/cmd/telegraf@${version}`], {
    env: { ...process.env, GOBIN: folder, GOFLAGS: '-modcacherw', CGO_ENABLED: '0' },
    encoding: 'utf8',
  });
  if (status === 0) return binary;
  console.log(error === undefined ? stderr.trim().split('\n').slice(-10).join('\n') : `Go is not there (${error.message}): install it from https://go.dev/dl and run this again`);
  return undefined;
}
