// wadi serve: the server, with the options of the server.

import { readCommandLine } from '../config.ts';
import { type Command, exit } from './command.ts';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'run a server on this machine',
  positionals: '[options]',
  count: [0, 0],
  options: {},
  raw: true,
  examples: [],
  async run(_, terminal, args) {
    const commandLine = readCommandLine(args);
    if ('help' in commandLine) {
      await terminal.print(commandLine.help);
      return exit.ok;
    }
    if ('wrong' in commandLine) {
      terminal.say(`${commandLine.wrong} See: wadi serve --help`);
      return exit.usage;
    }
    const { runServer } = await import('../server/run.ts');
    return runServer(commandLine.run);
  },
};
