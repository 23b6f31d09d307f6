// The life of a server: open the home, listen, and on SIGTERM or SIGINT answer what was accepted, close, end.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { readTokenFile } from '../access/token-file.ts';
import { createTokens, type Tokens, TokensInvalid } from '../access/tokens.ts';
import { isLoopback, type ServerConfig } from '../config.ts';
import type { AccessLog, Api } from '../http/api.ts';
import { createApp } from '../http/app.ts';
import { createApi } from '../http/create-api.ts';
import { limits } from '../record/limits.ts';
import { openEmbedded } from '../wiring/embedded.ts';
import { CannotOpen, type Home } from '../wiring/home.ts';
import { createLog, type Log } from '../wiring/log.ts';
import { type Listening, listen, type TlsFiles } from './listen.ts';

/** What of the shutdown's time is left for the commits that wait, after connections had theirs. */
const closingMs = 3_000;

/** Resolves with the exit code. */
export async function runServer(config: ServerConfig): Promise<number> {
  const { host, port, localOnly, corsOrigins } = config;
  const stopping = new AbortController();
  const signal = nextSignal();
  let home: Home | undefined;
  let listening: Listening;
  let tokens: Tokens | undefined;
  try {
    tokens = await readTokens(config);
    const tls = await readTls(config);
    const log = createLog(config.logLevel, config.logFormat, (line) => process.stderr.write(line));
    home = await openHome(config, log);
    const { broker, onWorkLeft, ready, metrics } = home;
    const api: Api = createApi({
      broker,
      version: version(),
      stopping: stopping.signal,
      onWorkLeft,
      ready,
      localOnly,
      tokens: () => tokens,
      corsOrigins,
      metrics: () => metrics.text(api, listening.traffic()),
      accessLog: accessLog(log),
    });
    listening = await listen(createApp(api), { host, port, tls });
  } catch (error) {
    await home?.close();
    process.stderr.write(`${whyNot(error, host, port)}\n`);
    return 1;
  }
  process.stdout.write(greeting(config, listening.port, tokens));
  process.on('SIGHUP', () => {
    void renew(config, listening).then(
      (renewed) => {
        tokens = renewed;
        process.stdout.write('SIGHUP: tokens and certificates were read again\n');
      },
      // What was in force stays in force.
      (error: unknown) => process.stderr.write(`SIGHUP: ${(error as Error).message}; nothing was changed\n`),
    );
  });
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
  process.stdout.write(`stopped: ${appends} appends, ${commits} commits${syncs === undefined ? '' : `, ${syncs} syncs`}\n`);
  return 0;
}

async function openHome({ home }: ServerConfig, log: Log): Promise<Home> {
  if (home.kind === 'embedded') return openEmbedded(home.dataDir, log);
  // The clients of AWS take their time to load.
  const { openCloud } = await import('../wiring/cloud.ts');
  return openCloud(home, log);
}

/** Every request at level debug; those that the server failed at level info. */
function accessLog(log: Log): AccessLog | undefined {
  if (!log.takes('info')) return undefined;
  const levelOf = (status: number) => (status >= 500 && status !== 501 ? 'info' : 'debug');
  return {
    takes: (status) => log.takes(levelOf(status)),
    write: (request) => log.write(levelOf(request.status), 'request', { ...request, durationMs: Math.round(request.durationMs * 1000) / 1000 }),
  };
}

async function renew(config: ServerConfig, listening: Listening): Promise<Tokens | undefined> {
  const tokens = await readTokens(config);
  const tls = await readTls(config);
  if (tls !== undefined) listening.renewTls(tls);
  return tokens;
}

const readTokens = async ({ tokensPath }: ServerConfig): Promise<Tokens | undefined> => (tokensPath === undefined ? undefined : createTokens(await readTokenFile(tokensPath)));

/** @throws CannotStart */
async function readTls({ tls }: ServerConfig): Promise<TlsFiles | undefined> {
  if (tls === undefined) return undefined;
  const { certPath, keyPath } = tls;
  try {
    const files = { cert: await readFile(certPath), key: await readFile(keyPath) };
    createSecureContext(files);
    return files;
  } catch (error) {
    throw new CannotStart(`cannot use the certificate ${certPath} with the key ${keyPath}: ${(error as Error).message}`);
  }
}

/** For reasons that are not ours, told in a sentence. */
class CannotStart extends Error {}

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
  if (error instanceof CannotOpen || error instanceof TokensInvalid || error instanceof CannotStart) return error.message;
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

function greeting({ host, home, tls }: ServerConfig, port: number, tokens: Tokens | undefined): string {
  const url = `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const bearer = tokens === undefined ? '' : ` -H "Authorization: Bearer $WADI_TOKEN"`;
  const covered = tokens === undefined || tls !== undefined || isLoopback(host);
  const warning = covered ? '' : 'Tokens and records travel unencrypted: give --tls-cert and --tls-key, or put a proxy with TLS in front.\n';
  return `Wadi listens on ${url}
Data lies in ${home.kind === 'embedded' ? resolve(home.dataDir) : `the table ${home.table} and the bucket ${home.bucket}`}
${warning}
Try it:
  curl${bearer} -X PUT ${url}/v1/topics/orders --json '{"partitions":3}'
  curl${bearer} ${url}/v1/topics/orders/records --json '{"records":[{"key":"alice","value":{"item":"book","price":1.10}}]}'
  curl${bearer} '${url}/v1/topics/orders/records?from=earliest'
`;
}
