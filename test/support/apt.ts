// Programs of the system that a suite needs: installed where they are missing, if this is Debian and we may.

import { spawnSync } from 'node:child_process';

/** Tries; whoever needs them looks afterwards whether they are there. */
export function installPackages(...packages: readonly string[]): void {
  console.log(`installing ${packages.join(', ')}`);
  spawnSync('apt-get', ['update'], { stdio: 'ignore' });
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}
