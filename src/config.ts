// The command line of the server, read once. Nothing else in the program looks at arguments or the environment.

import { parseArgs } from 'node:util';
import { type LogFormat, type LogLevel, logFormats, logLevels } from './wiring/log.ts';

export type ServerConfig = {
  readonly home: HomeConfig;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Requests must name this machine as their host: where only it is listened to, and without --insecure. */
  readonly localOnly: boolean;
  /** The file of tokens; undefined: everybody may do everything. */
  readonly tokensPath: string | undefined;
  /** Files of PEM; undefined: HTTP. */
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined;
  readonly corsOrigins: ReadonlySet<string>;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
};

/** Where the log lives: a folder of this machine, or a table and a bucket that any number of servers share. */
type HomeConfig =
  | { readonly kind: 'embedded'; readonly dataDir: string }
  | {
      readonly kind: 'cloud';
      readonly table: string;
      readonly bucket: string;
      readonly aws: { readonly endpoint?: string | undefined; readonly region?: string | undefined };
      readonly pathStyle: boolean;
    };

export type CommandLine = { readonly run: ServerConfig } | { readonly help: string } | { readonly wrong: string };

const defaults = { data: './data', table: 'wadi', host: '127.0.0.1', port: 8080 };

const help = `Wadi: Kafka's model behind an HTTP API, on one machine.

  npm start -- [options]

  --data DIR     where everything is stored; made if need be     (${defaults.data})
  --ledger dynamodb --store s3
                 store everything in a table of DynamoDB and a bucket of S3 instead, which
                 any number of servers may share; credentials and region are found as the
                 AWS command line finds them
  --table NAME   the table; its key is pk and sk, both strings   (${defaults.table})
  --bucket NAME  the bucket
  --region NAME  their region
  --host HOST    address to listen on                            (${defaults.host})
  --port N       port to listen on; 0: any free one              (${defaults.port})

  --tokens FILE  take only requests with a token of this file, which holds their hashes
                 and what each may do; read again on SIGHUP. Needed to listen beyond
                 this machine
  --tls-cert FILE, --tls-key FILE
                 serve HTTPS with this certificate (with its chain) and key, in PEM;
                 read again on SIGHUP
  --cors-origin ORIGIN
                 let web pages of this origin use the API; may be given several times,
                 '*' for all
  --log-level L  error, info (the default: also requests that the server failed), or debug
                 (every request)
  --log-format F json, or text (the default in a terminal): a line on standard error
                 for each event
  --insecure     listen beyond this machine without tokens, and take requests under any
                 host name: whoever reaches the port can read and write everything
  --help         this text

Examples, once it runs:

  curl -X PUT http://127.0.0.1:${defaults.port}/v1/topics/orders --json '{"partitions":3}'
  curl http://127.0.0.1:${defaults.port}/v1/topics/orders/records --json '{"records":[{"key":"alice","value":{"item":"book","price":1.10}}]}'
  curl 'http://127.0.0.1:${defaults.port}/v1/topics/orders/records?from=earliest&waitMs=5000'

SIGTERM or SIGINT stops it: what was accepted is answered, and a second signal ends it at once.
`;

const options = {
  data: { type: 'string' },
  ledger: { type: 'string' },
  store: { type: 'string' },
  table: { type: 'string' },
  bucket: { type: 'string' },
  region: { type: 'string' },
  host: { type: 'string', default: defaults.host },
  port: { type: 'string', default: String(defaults.port) },
  tokens: { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'cors-origin': { type: 'string', multiple: true },
  'log-level': { type: 'string', default: 'info' },
  'log-format': { type: 'string', default: process.stderr.isTTY ? 'text' : 'json' },
  insecure: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** `wrong` says in one line what is wrong and how to mend it. */
export function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const given = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
    const home = readHome(given);
    if ('wrong' in home) return home;
    const { host, port, tokens, insecure, help: wantsHelp, 'tls-cert': certPath, 'tls-key': keyPath, 'cors-origin': origins = [], 'log-level': logLevel, 'log-format': logFormat } = given;
    if (wantsHelp) return { help };
    if (host === '') return { wrong: '--host is an address or a name; it must not be empty.' };
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return { wrong: `--port is a number from 0 to 65535, not ${JSON.stringify(port)}.` };
    if (tokens === '') return { wrong: '--tokens is a file; it must not be empty.' };
    if ((certPath === undefined) !== (keyPath === undefined)) return { wrong: '--tls-cert and --tls-key go together: give both, or neither.' };
    const noOrigin = origins.find((origin) => origin !== '*' && !isOrigin(origin));
    if (noOrigin !== undefined) return { wrong: `--cors-origin is an origin such as https://app.example.com, or *, not ${JSON.stringify(noOrigin)}.` };
    if (!isOneOf(logLevels, logLevel)) return { wrong: `--log-level is one of ${logLevels.join(', ')}, not ${JSON.stringify(logLevel)}.` };
    if (!isOneOf(logFormats, logFormat)) return { wrong: `--log-format is one of ${logFormats.join(', ')}, not ${JSON.stringify(logFormat)}.` };
    if (!insecure && tokens === undefined && !isLoopback(host)) {
      return {
        wrong: `--host ${host} lets everybody who reaches it read and write everything. Add --tokens FILE, so that only bearers of its tokens can; or --insecure, if that is what you want.`,
      };
    }
    const tls = certPath === undefined || keyPath === undefined ? undefined : { certPath, keyPath };
    return {
      run: { home, host, port: Number(port), localOnly: !insecure && isLoopback(host) && tokens === undefined, tokensPath: tokens, tls, corsOrigins: new Set(origins), logLevel, logFormat },
    };
  } catch (error) {
    return { wrong: `${(error as Error).message.split('. ')[0]?.replace(/\.$/, '')}.` };
  }
}

type HomeOptions = { readonly [Name in 'data' | 'ledger' | 'store' | 'table' | 'bucket' | 'region']?: string | undefined };

function readHome({ data, ledger, store, table, bucket, region }: HomeOptions): HomeConfig | { readonly wrong: string } {
  if (ledger === undefined && store === undefined) {
    const without = Object.entries({ table, bucket, region }).find(([, value]) => value !== undefined)?.[0];
    if (without !== undefined) return { wrong: `--${without} is for --ledger dynamodb --store s3: give both, or leave it out.` };
    if (data === '') return { wrong: '--data is a folder; it must not be empty.' };
    return { kind: 'embedded', dataDir: data ?? defaults.data };
  }
  if (ledger !== 'dynamodb' || store !== 's3') return { wrong: '--ledger dynamodb and --store s3 go together: give both, or neither for a folder of this machine.' };
  if (data !== undefined) return { wrong: '--data is a folder of this machine; with --ledger dynamodb --store s3 nothing is stored there. Leave it out.' };
  if (bucket === undefined || bucket === '') return { wrong: '--store s3 needs --bucket NAME: the bucket for what is stored.' };
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 } = process.env;
  return { kind: 'cloud', table: table ?? defaults.table, bucket, aws: { region }, pathStyle: (AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL) !== undefined };
}

const isOneOf = <T extends string>(choices: readonly T[], given: string): given is T => choices.some((choice) => choice === given);

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
