// Headless Chromium, driven by its DevTools protocol: https://chromedevtools.github.io/devtools-protocol/.

import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { installPackages } from '../support/apt.ts';
import { temporaryFolder, track } from '../support/server-process.ts';

export type Page = {
  /** The value of a JavaScript expression, awaited. Throws what it throws. */
  evaluate<T>(expression: string): Promise<T>;
};

export type Chromium = { open(url: string): Promise<Page>; close(): Promise<void> };

const isThere = (): boolean => spawnSync('chromium', ['--version']).status === 0;

/** Whether Chromium is there; Debian's package is installed where it is not. */
export function installChromium(): boolean {
  if (isThere()) return true;
  installPackages('chromium');
  return isThere();
}

export async function startChromium(): Promise<Chromium> {
  const profile = temporaryFolder('chromium');
  // Root has no sandbox; the pages are ours.
  const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn('chromium', options, { stdio: ['ignore', 'ignore', 'pipe'] });
  track(child);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-10_000);
      const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`chromium ended: ${text}`)));
  });
  const call = await connectTo(address);
  return {
    async open(url) {
      const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
      await call('Page.enable', {}, sessionId as string);
      await call('Page.navigate', { url }, sessionId as string);
      const page: Page = {
        async evaluate<T>(expression: string) {
          const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId as string);
          if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails).slice(0, 1000));
          return (result as { value: T }).value;
        },
      };
      await page
        .evaluate(`new Promise((resolve) => { const look = () => (location.href.startsWith('http') && document.readyState === 'complete' ? resolve() : setTimeout(look, 10)); look(); })`)
        .catch(async () => {
          // The page was replaced while it was asked; the next question goes to the new one.
          await page.evaluate(`new Promise((resolve) => (document.readyState === 'complete' ? resolve() : addEventListener('load', resolve)))`);
        });
      return page;
    },
    async close() {
      child.kill('SIGKILL');
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Call = (method: string, params: object, sessionId?: string) => Promise<Record<string, unknown>>;

async function connectTo(address: string): Promise<Call> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const waiting = new Map<number, { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }>();
  socket.onmessage = ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown>; error?: object };
    const call = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || call === undefined) return;
    waiting.delete(id);
    if (error === undefined) call.resolve(result ?? {});
    else call.reject(new Error(JSON.stringify(error)));
  };
  socket.onclose = () => {
    for (const { reject } of waiting.values()) reject(new Error('chromium has gone'));
  };
  let next = 0;
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      const id = ++next;
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    });
}
