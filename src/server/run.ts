// The life of a server: open the home, listen, and on SIGTERM or SIGINT answer what was accepted, close, end.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ServerConfig } from '../config.ts';
import { createApp } from '../http/app.ts';
import { createApi } from '../http/create-api.ts';
import { limits } from '../record/limits.ts';
import { CannotOpen, type Home, openEmbedded } from '../wiring/embedded.ts';
import { type Listening, listen } from './listen.ts';

/** What of the shutdown's time is left for the commits that wait, after connections had theirs. */
const closingMs = 3_000;

/** Resolves with the exit code. */
export async function runServer({ dataDir, host, port, localOnly }: ServerConfig): Promise<number> {
  const stopping = new AbortController();
  const signal = nextSignal();
  let home: Home | undefined;
  let listening: Listening;
  try {
    home = await openEmbedded(dataDir);
    const { broker, onWorkLeft, ready } = home;
    const api = createApi({ broker, version: version(), stopping: stopping.signal, onWorkLeft, ready, localOnly });
    listening = await listen(createApp(api), { host, port });
  } catch (error) {
    await home?.close();
    process.stderr.write(`${whyNot(error, host, port)}\n`);
    return 1;
  }
  process.stdout.write(greeting(host, listening.port, dataDir));
  await signal;
  void nextSignal().then(() => process.exit(1));
  const tooLate = setTimeout(() => {
    process.stderr.write('The server did not come to its end in time. What was not answered may or may not stand.\n');
    process.exit(1);
  }, limits.shutdownTimeoutMs);
  stopping.abort();
  await listening.stop(limits.shutdownTimeoutMs - closingMs);
  await home.close();
  clearTimeout(tooLate);
  const { appends, commits, syncs } = home.totals();
  process.stdout.write(`stopped: ${appends} appends, ${commits} commits, ${syncs} syncs\n`);
  return 0;
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.off('SIGTERM', end).off('SIGINT', end);
      resolve();
    };
    process.on('SIGTERM', end).on('SIGINT', end);
  });
}

const version = (): string => (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** What cannot be helped here is told in a sentence; an error of ours with its stack. */
function whyNot(error: unknown, host: string, port: number): string {
  if (error instanceof CannotOpen) return error.message;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use. Stop what listens there, or choose another with --port (0: any free one).`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine. Choose another with --host.`;
    case 'EACCES':
      return `This user may not listen on port ${port}. Choose one above 1023 with --port.`;
    default:
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function greeting(host: string, port: number, dataDir: string): string {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `Wadi listens on ${url}
Data lies in ${resolve(dataDir)}

Try it:
  curl -X PUT ${url}/v1/topics/orders --json '{"partitions":3}'
  curl ${url}/v1/topics/orders/records --json '{"records":[{"key":"alice","value":{"item":"book","price":1.10}}]}'
  curl '${url}/v1/topics/orders/records?from=earliest'
`;
}
