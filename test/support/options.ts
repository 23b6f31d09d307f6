// Command lines of the scripts: long options only, numbers checked, `--help` that prints the script's own text,
// and for a wrong option one line that says what is wrong, and exit code 2.

import { type ParseArgsConfig, parseArgs } from 'node:util';

type Kind = 'number' | 'text' | 'flag';
type Value<K extends Kind> = K extends 'number' ? number | undefined : K extends 'text' ? string | undefined : boolean;

/** `help` is the whole text of `--help`. Numbers are integers, 0 or above. */
export function readOptions<const K extends Record<string, Kind>>(help: string, kinds: K, args = process.argv.slice(2)): { [N in keyof K]: Value<K[N]> } {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean' } };
  for (const [name, kind] of Object.entries(kinds)) options[name] = { type: kind === 'flag' ? 'boolean' : 'string' };
  let given: Record<string, unknown>;
  try {
    given = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    return wrongOption(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
  if (given['help'] === true) {
    process.stdout.write(`${help.trim()}\n`);
    process.exit(0);
  }
  const values: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const value = given[name];
    if (kind === 'flag') values[name] = value === true;
    else if (kind === 'text' || value === undefined) values[name] = value;
    else if (/^\d{1,15}$/.test(String(value))) values[name] = Number(value);
    else wrongOption(`--${name} takes an integer, 0 or above, not '${String(value)}'`);
  }
  return values as { [N in keyof K]: Value<K[N]> };
}

/** Says what is wrong with the command line and ends with exit code 2. */
export function wrongOption(message: string): never {
  process.stderr.write(`${message.replace(/\.$/, '')}. See --help.\n`);
  process.exit(2);
}
