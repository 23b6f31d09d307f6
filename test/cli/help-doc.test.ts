// docs/CLI.md is the help of every command: `npx vitest run -u test/cli/help-doc.test.ts` writes it.

import { expect, it } from 'vitest';
import { helpOf, overview } from '../../src/cli/help.ts';
import { commands } from '../../src/cli/main.ts';
import { readCommandLine } from '../../src/config.ts';

it('docs/CLI.md tells what the help tells', async () => {
  const serve = readCommandLine(['--help']);
  const server = 'help' in serve ? serve.help : '';
  const pages = commands.map((command) => `## wadi ${command.name}\n\n\`\`\`text\n${(command.name === 'serve' ? server : helpOf(command)).trimEnd()}\n\`\`\`\n`);
  const text = `# The command line\n\nIn a clone: \`npm run wadi -- …\`, or \`npx wadi …\`. This page is made from the help (\`test/cli/help-doc.test.ts\`); every example in it is run by \`test/cli/command.test.ts\`.\n\n\`\`\`text\n${overview(commands).trimEnd()}\n\`\`\`\n\n${pages.join('\n')}`;
  await expect(text).toMatchFileSnapshot('../../docs/CLI.md');
});
