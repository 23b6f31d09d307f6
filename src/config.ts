// The command line of the server, read once. Nothing else in the program looks at arguments or the environment.

import { parseArgs } from 'node:util';

export type ServerConfig = {
  readonly dataDir: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Requests must name this machine as their host: without --insecure. */
  readonly localOnly: boolean;
};

export type CommandLine = { readonly run: ServerConfig } | { readonly help: string } | { readonly wrong: string };

const defaults = { data: './data', host: '127.0.0.1', port: 8080 };

const help = `Wadi: Kafka's model behind an HTTP API, on one machine.

  npm start -- [options]

  --data DIR     where everything is stored; made if need be     (${defaults.data})
  --host HOST    address to listen on                            (${defaults.host})
  --port N       port to listen on; 0: any free one              (${defaults.port})
  --insecure     listen beyond this machine, and take requests under any host name,
                 although there is no authentication yet: whoever reaches the port
                 can read and write everything
  --help         this text

Examples, once it runs:

  curl -X PUT http://127.0.0.1:${defaults.port}/v1/topics/orders --json '{"partitions":3}'
  curl http://127.0.0.1:${defaults.port}/v1/topics/orders/records --json '{"records":[{"key":"alice","value":{"item":"book","price":1.10}}]}'
  curl 'http://127.0.0.1:${defaults.port}/v1/topics/orders/records?from=earliest&waitMs=5000'

SIGTERM or SIGINT stops it: what was accepted is answered, and a second signal ends it at once.
`;

const options = {
  data: { type: 'string', default: defaults.data },
  host: { type: 'string', default: defaults.host },
  port: { type: 'string', default: String(defaults.port) },
  insecure: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** `wrong` says in one line what is wrong and how to mend it. */
export function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const { data, host, port, insecure, help: wantsHelp } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
    if (wantsHelp) return { help };
    if (data === '') return { wrong: '--data is a folder; it must not be empty.' };
    if (host === '') return { wrong: '--host is an address or a name; it must not be empty.' };
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return { wrong: `--port is a number from 0 to 65535, not ${JSON.stringify(port)}.` };
    if (!insecure && !isLoopback(host)) {
      return {
        wrong: `There is no authentication yet, so this server listens on this machine only (127.0.0.1). --host ${host} lets everybody who reaches it read and write everything; if that is what you want, add --insecure.`,
      };
    }
    return { run: { dataDir: data, host, port: Number(port), localOnly: !insecure } };
  } catch (error) {
    return { wrong: `${(error as Error).message.split('. ')[0]?.replace(/\.$/, '')}.` };
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
