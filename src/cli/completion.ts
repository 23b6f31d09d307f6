// wadi completion: what a shell needs to complete commands, options and their choices, made from the tables.

import { type Command, exit } from './command.ts';

const shells = ['bash', 'zsh'] as const;

export function completionCommand(all: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'print what a shell needs to complete this command',
    positionals: 'bash|zsh',
    count: [1, 1],
    options: {},
    notes: 'Put the line of your shell into ~/.bashrc or ~/.zshrc:\n  source <(wadi completion bash)\n  source <(wadi completion zsh)',
    examples: ['wadi completion bash'],
    async run({ positionals: [shell] }, terminal) {
      if (!shells.some((known) => known === shell)) {
        terminal.say(`There is completion for ${shells.join(' and ')}, not for ${JSON.stringify(shell)}.`);
        return exit.usage;
      }
      await terminal.print(shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${script(all())}` : script(all()));
      return exit.ok;
    },
  };
}

/** Bash's own; zsh reads it by its bashcompinit. */
function script(commands: readonly Command[]): string {
  const first = [...new Set([...commands.map(({ name }) => name.split(' ')[0] as string), 'help'])];
  const cases = first.flatMap((word) => {
    const ofWord = commands.filter(({ name }) => name === word || name.startsWith(`${word} `));
    const second = ofWord.flatMap(({ name }) => name.split(' ').slice(1));
    const direct = ofWord.find(({ name }) => name === word);
    const words = word === 'help' ? first : second.length > 0 ? second : [];
    return [
      ...(words.length > 0 ? [`    "${word} "*) [ "$COMP_CWORD" -eq 2 ] && words="${words.join(' ')}" ;;`] : []),
      ...(direct === undefined ? [] : [`    "${word} "*) words="${optionWords(direct)}" ;;`]),
    ];
  });
  const twoWords = commands.filter(({ name }) => name.includes(' ')).map((command) => `    "${command.name}") [ "$COMP_CWORD" -ge 3 ] && words="${optionWords(command)}" ;;`);
  const choices = [
    ...new Set(
      commands.flatMap(({ options }) =>
        Object.entries(options).flatMap(([name, { choices: values }]) =>
          values === undefined
            ? []
            : [
                `    --${name}) words="${commands
                  .flatMap(({ options: own }) => own[name]?.choices ?? [])
                  .filter((value, i, list) => list.indexOf(value) === i)
                  .join(' ')}" ;;`,
              ],
        ),
      ),
    ),
  ];
  return `_wadi() {
  local words=""
  local current="\${COMP_WORDS[COMP_CWORD]}"
  local previous="\${COMP_WORDS[COMP_CWORD-1]}"
  case "\${COMP_WORDS[1]} " in
${cases.join('\n')}
  esac
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${twoWords.join('\n')}
  esac
  case "$previous" in
${choices.join('\n')}
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${first.join(' ')}"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _wadi wadi
`;
}

const optionWords = ({ options }: Command): string =>
  Object.keys(options)
    .map((name) => `--${name}`)
    .join(' ');
