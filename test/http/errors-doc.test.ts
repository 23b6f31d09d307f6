// docs/ERRORS.md is made from the table of errors and their statuses: `npx vitest run -u test/http/errors-doc` writes it.

import { expect, it } from 'vitest';
import { retryAfterS, statuses } from '../../src/http/problems.ts';
import { type ErrorCode, errorTable } from '../../src/record/errors.ts';

const head = `# Errors

Every error is an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem document (\`application/problem+json\`):

\`\`\`json
{"type":"/errors/offset_mismatch","title":"The partition does not end at the expected offset","status":412,"code":"offset_mismatch",
 "detail":"The partition ends at 7, not at 5; nothing was written.","retryable":false,"sideEffects":"none","endOffset":7}
\`\`\`

- \`code\` is what programs decide by; \`detail\` says what is wrong and what to do next, for people; further members are facts.
- \`retryable\`: the same request sent again may succeed. \`Retry-After\` says when, where waiting helps.
- \`sideEffects\`: \`none\` is a promise that nothing of the request stands. \`unknown\` means that nobody can tell: the same request
  sent again may append twice, unless it carries \`Wadi-Expected-Offset\`. A particular error may know better than this table.
- \`X-Request-Id\` in the answer names the request in the server's log.

This page is made from the table in \`src/record/errors.ts\` and the statuses in \`src/http/problems.ts\`; a test holds it to them.

| code | status | meaning | retryable | side effects | Retry-After |
|---|---|---|---|---|---|
`;

it('docs/ERRORS.md tells every code as the tables do', async () => {
  const rows = (Object.keys(errorTable) as ErrorCode[]).map((code) => {
    const { title, retryable, sideEffects } = errorTable[code];
    const status = code === 'offset_out_of_range' ? '410 below the start, 416 beyond the end' : statuses[code];
    return `| \`${code}\` | ${status} | ${title} | ${retryable ? 'yes' : 'no'} | ${sideEffects} | ${retryAfterS[code] === undefined ? '' : `${retryAfterS[code]} s`} |\n`;
  });
  await expect(`${head}${rows.join('')}`).toMatchFileSnapshot('../../docs/ERRORS.md');
});
