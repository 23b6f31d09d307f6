// What can be set of a deployment, and what is said where it is set wrong: at synthesis, before anything is deployed.

import { RetentionDays } from 'aws-cdk-lib/aws-logs';

export type WadiSettings = {
  /** `iam`: only requests that are signed (SigV4) by a principal that may call the functions. `none`: anybody on the internet may read and write. */
  readonly auth: 'iam' | 'none';
  /** Whether the table and the bucket outlive the stack. Without it they go with the stack, and all records with them. */
  readonly keepData: boolean;
  /** Executions of produce at once, kept free for it and not exceeded; `unreserved`: as many as the account has. */
  readonly produceConcurrency: number | 'unreserved';
  /** MB of produce and of fetch; Lambda gives CPU in proportion (1,769 MB are one CPU). */
  readonly memoryMb: number;
  /** Seconds that fetch may take, and so how long streams go on before a reader comes back with its place. */
  readonly fetchSeconds: number;
  /** Days that logs are kept. */
  readonly logDays: number;
  /** Origins of web pages that may call the API, as `https://app.example`. */
  readonly corsOrigins: readonly string[];
  /** Where alarms are sent; none: they change colour and tell nobody. */
  readonly alarmEmail: string | undefined;
  readonly dashboard: boolean;
  /** Also the server as a web function, for partitions with many writers and readers that wait. */
  readonly webFunction: boolean;
  /** The bucket's name in the path of requests to S3, as emulators need it. */
  readonly pathStyle: boolean;
};

export const defaultSettings: WadiSettings = {
  auth: 'iam',
  keepData: true,
  produceConcurrency: 50,
  memoryMb: 1024,
  fetchSeconds: 60,
  logDays: 30,
  corsOrigins: [],
  alarmEmail: undefined,
  dashboard: true,
  webFunction: false,
  pathStyle: false,
};

/** A setting that cannot be; the message says what to set in its place. */
export class InvalidSetting extends Error {
  override readonly name = 'InvalidSetting';
}

const prefix = 'wadi:';

/** From the context of an app (`-c wadi:name=value`, or cdk.json). @throws InvalidSetting */
export function readSettings(context: Readonly<Record<string, unknown>>): WadiSettings {
  const given = Object.entries(context).filter(([key]) => key.startsWith(prefix));
  const settings: Record<string, unknown> = { ...defaultSettings };
  for (const [key, value] of given) {
    const name = key.slice(prefix.length);
    if (!(name in readers))
      throw new InvalidSetting(
        `There is no setting ${key}: the settings are ${Object.keys(readers)
          .map((known) => prefix + known)
          .join(', ')} (docs/DEPLOY.md).`,
      );
    settings[name] = readers[name as keyof WadiSettings](value, key);
  }
  return checkSettings(settings as WadiSettings);
}

const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (value: unknown, key: string): T => {
    const word = words.find((known) => known === value);
    if (word === undefined) throw new InvalidSetting(`${key} is ${words.join(' or ')}, not '${String(value)}'.`);
    return word;
  };

function readBoolean(value: unknown, key: string): boolean {
  return value === true || (value !== false && oneOf('true', 'false')(value, key) === 'true');
}

function readNumber(value: unknown, key: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw new InvalidSetting(`${key} is a whole number, not '${String(value)}'.`);
  return number;
}

const readers: { readonly [Name in keyof WadiSettings]: (value: unknown, key: string) => WadiSettings[Name] } = {
  auth: oneOf('iam', 'none'),
  keepData: readBoolean,
  produceConcurrency: (value, key) => (value === 'unreserved' ? value : readNumber(value, key)),
  memoryMb: readNumber,
  fetchSeconds: readNumber,
  logDays: readNumber,
  corsOrigins: (value) => (Array.isArray(value) ? value.map(String) : String(value).split(',')).map((origin) => origin.trim()).filter((origin) => origin !== ''),
  alarmEmail: (value) => String(value),
  dashboard: readBoolean,
  webFunction: readBoolean,
  pathStyle: readBoolean,
};

const logDaysAllowed = Object.values(RetentionDays).filter((days): days is number => typeof days === 'number' && days < 9999);

/** @throws InvalidSetting */
export function checkSettings(settings: WadiSettings): WadiSettings {
  const { produceConcurrency, memoryMb, fetchSeconds, logDays, corsOrigins, alarmEmail } = settings;
  if (produceConcurrency !== 'unreserved' && produceConcurrency < 1)
    throw new InvalidSetting(`produceConcurrency is 1 or more, or 'unreserved', not ${produceConcurrency}: with 0 Lambda refuses every request.`);
  if (memoryMb < 256 || memoryMb > 10_240) throw new InvalidSetting(`memoryMb is 256 to 10240, not ${memoryMb}: a request of 4 MiB does not fit into less, and Lambda has no more.`);
  if (fetchSeconds < 3 || fetchSeconds > 900) throw new InvalidSetting(`fetchSeconds is 3 to 900, not ${fetchSeconds}: a second of it is kept to end in, and Lambda allows no more.`);
  if (!logDaysAllowed.includes(logDays)) throw new InvalidSetting(`logDays is one of ${logDaysAllowed.join(', ')}, which are those CloudWatch knows, not ${logDays}.`);
  for (const origin of corsOrigins) if (origin !== '*' && !isOrigin(origin)) throw new InvalidSetting(`corsOrigins are like https://app.example, without a path, or *: '${origin}' is neither.`);
  if (alarmEmail !== undefined && !/^[^\s@]+@[^\s@]+$/.test(alarmEmail)) throw new InvalidSetting(`alarmEmail is an address such as team@example.com, not '${alarmEmail}'.`);
  return settings;
}

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;
