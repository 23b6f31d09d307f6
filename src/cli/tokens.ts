// wadi tokens: make tokens for a server.

import { addToken } from '../access/token-file.ts';
import { type Access, accesses, TokensInvalid } from '../access/tokens.ts';
import { type Command, exit, Usage } from './command.ts';

export const tokensCommand: Command = {
  name: 'tokens create',
  summary: "make a token, and add its hash to a server's file",
  positionals: 'NAME',
  count: [1, 1],
  options: {
    file: { value: 'FILE', help: 'the file that the server was given as --tokens; made if need be' },
    access: { value: 'LIST', help: `some of ${accesses.join(', ')}, with commas between` },
    topic: { value: 'NAME', multiple: true, help: 'only for this topic, or with a * at the end for those whose names begin so; may be given several times; else for all' },
  },
  notes: 'The token is printed once and kept nowhere. The server reads the file at its start, and again on SIGHUP.',
  examples: ["wadi tokens create orders-service --file tokens.json --access read,write --topic 'orders*'"],
  async run(given, terminal) {
    const file = given.text('file');
    const access = given.text('access')?.split(',');
    if (file === undefined || access === undefined) throw new Usage('Give --file and --access. See: wadi help tokens create');
    const topics = given.texts('topic');
    try {
      const token = await addToken(file, { name: given.positionals[0] as string, access: access as Access[], ...(topics.length === 0 ? {} : { topics }) });
      await terminal.print(`${token}\n`);
    } catch (error) {
      if (error instanceof TokensInvalid) throw new Usage(`No token was made: ${error.message}.`);
      throw error;
    }
    return exit.ok;
  },
};
