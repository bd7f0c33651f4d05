/**
 * `docs/errors.md` from the table of error codes: one anchor per code.
 *
 * @module
 */
import { ERROR_CODES, type ErrorCode, type ErrorCodeRow } from '../contracts/error-codes.ts';
import { ERROR_CAUSES } from './error-causes.ts';

function retryText({ shouldRetry }: ErrorCodeRow): string {
  if (shouldRetry === true) return 'yes (`x-should-retry: true`)';
  if (shouldRetry === false) return 'no (`x-should-retry: false`)';
  return 'where repeating is safe';
}

function section(code: ErrorCode): string {
  const row = ERROR_CODES[code];
  return `## ${code}

**${row.title}.** ${ERROR_CAUSES[code]}

| status | repeat by itself |
| --- | --- |
| ${row.status} | ${retryText(row)} |

**What to do:** ${row.fix}
`;
}

const HEAD = `# Errors

Generated from the table of error codes; change \`src/contracts/error-codes.ts\` or \`src/openapi/error-causes.ts\` instead.

Every refusal has one of these codes, in every dialect: \`error.code\` in OpenAI's envelope, \`code\` of a problem document
(\`application/problem+json\`) on the control plane, whose \`type\` points here. Refusals of limits also carry \`limits\`,
\`plan\` and \`actions\`: what is used, held and left, and what can be done about it. A refusal costs nothing and books
nothing. \`Retry-After\` and \`retry-after-ms\` say how long to wait where waiting helps.

`;

/** The whole page. */
export function errorDocs(): string {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  const rows = codes.map((code) => {
    const { status, title } = ERROR_CODES[code];
    return `| [\`${code}\`](#${code}) | ${status} | ${title} |`;
  });
  const table = `| code | status | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  return `${HEAD}${table}\n${codes.map(section).join('\n')}`;
}
