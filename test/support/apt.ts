// Programs of the system that a suite needs: installed where they are missing, if this is Debian and we may.

import { spawnSync } from 'node:child_process';

/** Tries; whoever needs them looks afterwards whether they are there. */
export function installPackages(...packages: readonly string[]): void {
  console.log(`installing ${packages.join(', ')}`);
  spawnSync('apt-get', ['update'], { stdio: 'ignore' });
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}

/** @throws where there is no Java, and it could not be installed */
export function requireJava(): void {
  const isThere = (): boolean => spawnSync('java', ['-version']).status === 0;
  if (isThere()) return;
  installPackages('default-jre-headless');
  if (!isThere()) throw new Error('Java is not there, and could not be installed: install a Java of version 17 or later, and run this again');
}
