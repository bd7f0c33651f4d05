/**
 * `docs/config.md` from the configuration schema.
 *
 * @module
 */
import type { JsonSchemaNode } from './json-schema.ts';
import { RESERVED_ENVIRONMENT } from './load.ts';
import { flagNameOf, settingLeaves, type SettingLeaf } from './setting-index.ts';

const KINDS: Readonly<Record<string, string>> = {
  duration: 'duration',
  size: 'size',
  integer: 'whole number',
  boolean: '`true` or `false`',
  text: 'text',
};

function kindOf(node: JsonSchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((word) => `\`${String(word)}\``).join(', ');
  const plainKind = node.type === 'integer' ? 'integer' : 'text';
  const kind = KINDS[node['x-kind'] ?? plainKind] ?? 'text';
  return node['x-range'] === undefined ? kind : `${kind}, ${node['x-range']}`;
}

function presetOf(node: JsonSchemaNode): string {
  const { default: preset } = node;
  if (preset === undefined) return '–';
  return `\`${typeof preset === 'string' ? preset : JSON.stringify(preset)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}

function rowOf({ path, node, environment }: SettingLeaf): string {
  const secret = node['x-secret'] === true ? ' Shown to nobody.' : '';
  const variable = environment === null ? '' : `\`${environment}\``;
  const cells = [
    `\`${path}\``,
    kindOf(node),
    presetOf(node),
    variable,
    `${node.description ?? ''}${secret}`,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

const HEAD = `# Configuration

Generated from the configuration schema; change \`src/config/schema.ts\` instead.

Settings come from the command line, the environment, \`gateway.yaml\` and the defaults below, in this order of
precedence. The file is the one named by \`--config\`, else by \`GATEWAY_CONFIG\`, else \`gateway.yaml\` in the
working directory where there is one. JSON is accepted as well. Unknown keys are errors.

\`\`\`yaml
# yaml-language-server: $schema=http://127.0.0.1:8790/schema/gateway.json
port: 8790
durability: power
drainTimeoutMs: 45s
limits:
  maxBodyBytes:
    chat: 64mb
providers:
  openai:
    apiKey: \${file:/run/secrets/openai}
models:
  aliases:
    - alias: fast
      candidates: [gemini/gemini-2.5-flash, openai/gpt-4o-mini]
  prices:
    # Nano-USD per million tokens: $0.05 in, $0.08 out.
    - provider: ollama
      model: llama3.2
      rates: { input_text_tokens: 50000000, output_text_tokens: 80000000 }
\`\`\`

- **Durations** are written \`250ms\`, \`30s\`, \`5m\`, \`2h\` or \`1d\`, or as whole milliseconds; **sizes** \`64kb\`, \`32mb\`
  or \`1gb\` (powers of 1024), or as whole bytes.
- **References** may stand in any value: \`\${NAME}\` is an environment variable (an error when it is not set),
  \`\${NAME:-default}\` one with a default, \`\${file:/run/secrets/x}\` the text of a file, and \`$\${\` a literal \`\${\`. Keys are
  never replaced.
- An **environment variable** that is set to nothing counts as not set. Every setting outside lists and maps has
  one, as the table shows, and a flag such as \`${flagNameOf('limits.maxJsonDepth')}\` where the command line offers it.

## Settings

| setting | value | default | environment | meaning |
| --- | --- | --- | --- | --- |
`;

const TAIL = `
## Keys and files

| variable | meaning |
| --- | --- |
${Object.entries(RESERVED_ENVIRONMENT)
  .map(([name, meaning]) => `| \`${name}\` | ${cell(meaning)} |`)
  .join('\n')}

Keys that the environment does not give are generated once and kept in \`<dataDir>/credentials.json\`
(\`{admin_key, api_key, encryption_key}\`, mode 0600). Keys from the environment are never written to disk.

Providers are configured by the variables that each names itself (\`OPENAI_API_KEY\`, \`OPENAI_BASE_URL\` …), which win
over \`providers.<id>\`. A base URL replaces everything before the API version; a version at its end is dropped.
`;

/** The whole page. */
export function configDocs(): string {
  return `${HEAD}${settingLeaves().map(rowOf).join('\n')}\n${TAIL}`;
}
