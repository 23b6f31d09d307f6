// The command `wadi`: finds the command, reads its arguments, runs it, and says in one line what went wrong.

import { readFileSync } from 'node:fs';
import { ConnectionFailed, Problem } from '../client/problem.ts';
import { auditCommand } from './audit.ts';
import { benchCommand } from './bench.ts';
import { type Command, exit, readArguments, type Terminal, tellProblem, Usage } from './command.ts';
import { completionCommand } from './completion.ts';
import { consumeCommand } from './consume.ts';
import { helpOf, overview } from './help.ts';
import { produceCommand } from './produce.ts';
import { serveCommand } from './serve.ts';
import { tokensCommand } from './tokens.ts';
import { topicCommands } from './topics.ts';

export const commands: readonly Command[] = [serveCommand, ...topicCommands, produceCommand, consumeCommand, benchCommand, auditCommand, tokensCommand, completionCommand(() => commands)];

/** Answers the exit code. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const [first, second] = args;
  if (first === undefined || first === '--help' || first === '-h') {
    await terminal.print(overview(commands));
    return first === undefined ? exit.usage : exit.ok;
  }
  if (first === '--version') {
    await terminal.print(`${version()}\n`);
    return exit.ok;
  }
  if (first === 'help') return help(args.slice(1), terminal);
  const command = commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first);
  if (command === undefined) return unknown(args, terminal);
  const rest = args.slice(command.name.split(' ').length);
  if (!command.raw && rest.includes('--help')) return help([command.name], terminal);
  try {
    return await command.run(command.raw ? noArguments : readArguments(command, rest), terminal, rest);
  } catch (error) {
    if (error instanceof Usage) {
      terminal.say(error.message);
      return exit.usage;
    }
    if (error instanceof Problem) {
      terminal.say(tellProblem(error));
      return error.sideEffects === 'none' ? exit.refused : exit.unknown;
    }
    if (error instanceof ConnectionFailed) {
      terminal.say(`Cannot reach the server, or lost it (${error.message}). Is it running there? Start one with: wadi serve`);
      return exit.noServer;
    }
    throw error;
  }
}

const noArguments = readArguments({ name: '', options: {}, count: [0, 0], positionals: '' } as unknown as Command, []);

async function help(words: readonly string[], terminal: Terminal): Promise<number> {
  const name = words.join(' ');
  if (name === '') await terminal.print(overview(commands));
  else if (name === 'serve') return serveCommand.run(noArguments, terminal, ['--help']);
  else {
    const found = commands.filter((command) => command.name === name || command.name.startsWith(`${name} `));
    if (found.length === 0) return unknown(words, terminal);
    await terminal.print(found.map(helpOf).join('\n'));
  }
  return exit.ok;
}

function unknown(words: readonly string[], terminal: Terminal): number {
  const [first = ''] = words;
  const ofFirst = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  terminal.say(ofFirst.length > 0 ? `There are ${ofFirst.join(', ')}. See: wadi help ${first}` : `There is no command ${JSON.stringify(first)}. See: wadi help`);
  return exit.usage;
}

const version = (): string => (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
