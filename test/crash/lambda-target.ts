// Functions on LocalStack, deployed by the stack: their processes are killed, idle ones and those at work, and LocalStack
// starts others when the next request comes, as Lambda does. The stores are never killed.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Deployment, deploy, destroy, runtime, startLocalstack, stopLocalstack, storesOf } from '../localstack/deployment.ts';
import { startUrlFront } from '../localstack/url-front.ts';
import type { SeededRandom } from '../support/random.ts';
import { ConnectionLost, createSend, type Send } from './http.ts';
import type { Target } from './target.ts';

export type LambdaTarget = {
  readonly target: Target;
  readonly send: Send;
  readonly stores: ReturnType<typeof storesOf>;
  /** So many processes. */
  readonly killed: () => number;
  end(): Promise<void>;
};

/** How large a share of the processes a kill hits; 0: one. */
const shares = [
  { upTo: 0.4, share: 0 },
  { upTo: 0.7, share: 0.3 },
  { upTo: 1, share: 1 },
];

/** On a LocalStack of its own. @param random decides who is killed */
export async function startLambdaTarget(random: SeededRandom, requestTimeoutMs: number): Promise<LambdaTarget> {
  const endpoint = await startLocalstack();
  const deployment: Deployment = await deploy(endpoint);
  const front = await startUrlFront(deployment);
  const send = createSend(() => front.url, requestTimeoutMs);
  let killed = 0;

  function killSome(pids: readonly number[]): void {
    const draw = random.next();
    const share = shares.find(({ upTo }) => draw < upTo)?.share ?? 1;
    const single = pids[random.between(0, Math.max(0, pids.length - 1))];
    for (const pid of pids) {
      if (share === 0 ? pid !== single : !random.chance(share)) continue;
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // It has ended by itself.
      }
    }
  }

  return {
    target: {
      startsMs: [],
      url: () => front.url,
      pid: () => -1,
      up: async () => {},
      start: async () => {},
      async kill() {
        killSome(processesOf());
      },
      /** Those that were started since the last kill, some of which are not up yet. */
      async startAndKill(afterMs) {
        const before = new Set(processesOf());
        await wait(afterMs);
        killSome(processesOf().filter((pid) => !before.has(pid)));
      },
      stop: async () => '',
    },
    async send(path, request) {
      const reply = await send(path, request);
      // Where a function ends without an answer Lambda answers in its place.
      if (reply.status >= 500 && reply.headers['x-request-id'] === undefined) throw new ConnectionLost(`${reply.status} of Lambda itself`, true, false);
      return reply;
    },
    stores: storesOf(endpoint, deployment),
    killed: () => killed,
    async end() {
      await front.close();
      await destroy(endpoint);
      await stopLocalstack();
    },
  };
}

/** Of functions: each runs the same program. */
function processesOf(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid).includes(runtime));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
