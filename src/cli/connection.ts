// Which server the command talks to: options first, then the environment, then the file of settings.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '../client/client.ts';
import { type Arguments, type Option, type Terminal, Usage } from './command.ts';

export const connectionOptions: Readonly<Record<string, Option>> = {
  url: { value: 'URL', help: 'the server; else WADI_URL, "url" in the settings, http://127.0.0.1:8080' },
  'token-file': { value: 'FILE', help: 'a file that holds the token; else WADI_TOKEN, "token" in the settings' },
  auth: {
    value: 'KIND',
    choices: ['token', 'iam'],
    help: 'iam: sign requests, for functions on AWS; credentials are found as the AWS command line finds them. Else WADI_AUTH, "auth" in the settings, token',
  },
  config: { value: 'FILE', help: 'the file of settings, JSON of "url", "token" and "auth"; else ~/.config/wadi/config.json' },
};

const settingNames = ['url', 'token', 'auth'];
type Settings = { readonly url?: string; readonly token?: string; readonly auth?: string };

/** @throws Usage for what cannot be read or is no address */
export async function connect(given: Arguments, { env }: Terminal): Promise<Client> {
  const settings = await readSettings(given.text('config'), env);
  const url = given.text('url') ?? env['WADI_URL'] ?? settings.url ?? 'http://127.0.0.1:8080';
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new Usage(`${JSON.stringify(url)} is no address of a server: give one such as http://127.0.0.1:8080.`);
  const tokenFile = given.text('token-file');
  const token = (tokenFile === undefined ? undefined : (await read(tokenFile, '--token-file')).trim()) ?? env['WADI_TOKEN'] ?? settings.token;
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) throw new Usage('The token holds characters that no token has.');
  const auth = given.text('auth') ?? env['WADI_AUTH'] ?? settings.auth ?? 'token';
  if (auth !== 'token' && auth !== 'iam') throw new Usage(`${JSON.stringify(auth)} is no way to prove who one is: it is token or iam.`);
  if (auth === 'token') return createClient({ url, token, parse: parseDigitForDigit });
  // The token and the signature would stand in the same header. The signer takes its time to load.
  if (tokenFile !== undefined) throw new Usage('--token-file and --auth iam are two ways to prove who one is: give one.');
  const { createSigner } = await import('./sign.ts');
  return createClient({ url, sign: createSigner(url, env), parse: parseDigitForDigit });
}

/** Numbers that JavaScript would round come out again as they came. */
function parseDigitForDigit(text: string): unknown {
  return JSON.parse(text, (_, value: unknown, { source }: { source?: string } = {}) => (typeof value === 'number' && source !== undefined && source !== String(value) ? rawJson(source) : value));
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

async function readSettings(path: string | undefined, env: Terminal['env']): Promise<Settings> {
  const place = path ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'wadi', 'config.json');
  if (path === undefined && !existsSync(place)) return {};
  let settings: unknown;
  try {
    settings = JSON.parse(await read(place, '--config'));
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage(`${place} is not JSON: ${(error as Error).message}`);
  }
  const isObject = typeof settings === 'object' && settings !== null && !Array.isArray(settings);
  if (!isObject || Object.entries(settings as object).some(([name, value]) => !settingNames.includes(name) || typeof value !== 'string'))
    throw new Usage(`${place} is a JSON object of ${settingNames.join(', ')}, each a text.`);
  return settings as Settings;
}

async function read(path: string, option: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: Error) => {
    throw new Usage(`${option}: cannot read ${path}: ${error.message}`);
  });
}
