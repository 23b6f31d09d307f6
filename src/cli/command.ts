// What a command is: one table for each, from which its help, its completion and the reading of its arguments are made.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Problem } from '../client/problem.ts';

export type Option = {
  /** What stands for its value in the help; undefined: it is a flag. */
  readonly value?: string;
  readonly help: string;
  /** Values to choose from. */
  readonly choices?: readonly string[];
  readonly multiple?: boolean;
};

export type Arguments = {
  readonly positionals: readonly string[];
  /** @throws Usage where it is not one of the choices */
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** @throws Usage where it is no integer from `min` on */
  integer(name: string, min?: number): number | undefined;
};

/** What a command works with, so that tests can lend it something else. */
export type Terminal = {
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Resolves when more can be taken. @throws where nobody reads any more */
  print(text: string | Uint8Array): Promise<void>;
  /** A line for people. */
  say(line: string): void;
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
};

export type Command = {
  /** One or two words. */
  readonly name: string;
  readonly summary: string;
  /** Behind the name, such as `TOPIC [FILE …]`. */
  readonly positionals: string;
  readonly count: readonly [min: number, max: number];
  readonly options: Readonly<Record<string, Option>>;
  /** Further lines of the help. */
  readonly notes?: string;
  /** Each a line of the shell that works as printed. */
  readonly examples: readonly string[];
  /** Takes its arguments as they are. */
  readonly raw?: boolean;
  /** Answers the exit code. */
  run(given: Arguments, terminal: Terminal, args: readonly string[]): Promise<number>;
};

/** The command was not understood: exit code 2. */
export class Usage extends Error {
  override readonly name = 'Usage';
}

const hints: Readonly<Record<string, string>> = {
  topic_not_found: ' Create it with: wadi topics create NAME',
  unauthorized: ' Give one with --token-file or WADI_TOKEN.',
  unsigned: ' Functions on AWS take requests that are signed by a principal who may call them: give --auth iam.',
};

/** What the server refused, and where the command can help, how. */
export function tellProblem({ code, status, message, facts }: Problem): string {
  const hint = hints[code === 'not_wadi' && status === 403 ? 'unsigned' : code] ?? '';
  return `The server refused (${code}): ${message.replace(/ Create it with PUT .*$/, '')}${facts['line'] === undefined && hint !== '' ? hint : ''}`;
}

export const exit = { ok: 0, refused: 1, usage: 2, noServer: 3, unknown: 4, damaged: 5, interrupted: 130 } as const;

/** @throws Usage */
export function readArguments({ name, options, count: [min, max], positionals: form }: Command, args: readonly string[]): Arguments {
  const config: NonNullable<ParseArgsConfig['options']> = {};
  for (const [option, { value, multiple = false }] of Object.entries(options)) config[option] = value === undefined ? { type: 'boolean' } : { type: 'string', multiple };
  let values: Record<string, unknown>;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({ args: [...args], options: config, strict: true, allowPositionals: true }));
  } catch (error) {
    throw new Usage(`${(error as Error).message.split('. ')[0]?.replace(/\.$/, '')}. See: wadi help ${name}`);
  }
  if (positionals.length < min || positionals.length > max) throw new Usage(`The form is: wadi ${name} ${form}. See: wadi help ${name}`);

  function text(option: string): string | undefined {
    const value = values[option] as string | undefined;
    const { choices } = options[option] as Option;
    if (value !== undefined && choices !== undefined && !choices.includes(value)) throw new Usage(`--${option} is one of ${choices.join(', ')}, not ${JSON.stringify(value)}.`);
    return value;
  }

  return {
    positionals,
    text,
    texts: (option) => (values[option] as string[] | undefined) ?? [],
    flag: (option) => values[option] === true,
    integer(option, least = 0) {
      const value = text(option);
      if (value === undefined) return undefined;
      if (!/^\d{1,15}$/.test(value) || Number(value) < least) throw new Usage(`--${option} is an integer from ${least} on, not ${JSON.stringify(value)}.`);
      return Number(value);
    },
  };
}
