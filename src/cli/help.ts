// The help: what there is, and for each command its form, its options and examples that work as printed.

import type { Command, Option } from './command.ts';

const width = 90;

export function overview(commands: readonly Command[]): string {
  const longest = Math.max(...commands.map(({ name }) => name.length));
  return `Wadi: event streaming without servers of its own, from the command line.

  wadi COMMAND [options]

${commands.map(({ name, summary }) => `  ${name.padEnd(longest)}  ${summary}`).join('\n')}
  ${'help COMMAND'.padEnd(longest)}  what a command does, with examples
  ${'--version'.padEnd(longest)}  which version this is

Begin with a server in one terminal:

  wadi serve

and in another:

  wadi topics create greetings --partitions 3
  echo hello | wadi produce greetings
  wadi consume greetings

Exit codes: 0 done; 1 the server refused; 2 wrong use, or input that cannot be sent; 3 no server, or it was lost and
nothing is unknown; 4 some records may or may not stand; 5 an audit found damage; 130 interrupted. What goes wrong is
told on standard error.
`;
}

export function helpOf({ name, summary, positionals, options, notes, examples }: Command): string {
  const shown = Object.entries(options).map(([option, { value, help }]: [string, Option]) => ({ left: `--${option}${value === undefined ? '' : ` ${value}`}`, help }));
  const longest = Math.max(0, ...shown.map(({ left }) => left.length));
  const list = shown.map(({ left, help }) => `  ${left.padEnd(longest)}  ${wrapped(help, longest + 4)}\n`).join('');
  const told = notes === undefined ? '' : `\n${notes}\n`;
  const shownExamples = examples.length === 0 ? '' : `\nExamples:\n\n${examples.map((example) => `  ${example}\n`).join('')}`;
  return `wadi ${name}: ${summary}\n\n  wadi ${name}${positionals === '' ? '' : ` ${positionals}`}${shown.length === 0 ? '' : ' [options]'}\n${list === '' ? '' : `\n${list}`}${told}${shownExamples}`;
}

function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width - indent) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
