/**
 * `docs/cli.md` from the commands themselves.
 *
 * @module
 */
import type { Command } from 'commander';
import { examplesOf } from './command-kit.ts';
import { EXIT_CODE_MEANINGS } from './exit-codes.ts';

const HEAD = `# Command line

Generated from the commands; change \`src/cli/\` instead and run \`npx vitest run src/cli -u\`.

From source it is \`npm run -s gateway -- <command>\`, installed \`alwrity-gateway <command>\`. Without a command it
starts the gateway. The singular of a noun works as well (\`key list\`).

- **Which gateway**: \`--url\`, else \`GATEWAY_URL\`, else the gateway that runs on the data folder (\`--data-dir\`, else
  \`GATEWAY_DATA_DIR\`, \`gateway.yaml\`, \`./data\`), on whatever port it listens.
- **Which key**: \`GATEWAY_ADMIN_KEY\` for the control plane and \`GATEWAY_API_KEY\` for \`call\` and \`limits\`, else those in
  \`<data-dir>/credentials.json\`. Keys are never taken from the command line, where every user of the machine could
  read them.
- **Output**: results on standard output, messages on standard error. \`--json\` prints one document with a
  \`schemaVersion\` (streams: one a line) and errors as \`{"error":{"code","message","fixes","exitCode"}}\` on standard
  error. \`--quiet\` leaves messages out. Colours appear on terminals only; \`--no-color\` and \`NO_COLOR\` switch them off.
- **Errors** say what happened, why, and the command that fixes it.
- **Times** are UTC, money is exact.

## Exit codes

| code | meaning |
| --- | --- |
`;

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

function optionRows(command: Command): readonly string[] {
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => option.long !== '--help');
  if (options.length === 0) return [];
  return [
    '| option | meaning |',
    '| --- | --- |',
    ...options.map((option) => `| \`${cell(option.flags)}\` | ${cell(option.description)} |`),
    '',
  ];
}

function sectionOf(command: Command, path: readonly string[]): readonly string[] {
  const args = command.registeredArguments.map((argument) => `<${argument.name()}>`);
  const description = command.description();
  const examples = examplesOf(command).map(([text, meaning]) =>
    meaning === '' ? `alwrity-gateway ${text}` : `alwrity-gateway ${text}    # ${meaning}`,
  );
  return [
    `## ${[...path, ...args].join(' ')}`,
    '',
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    '',
    ...(examples.length === 0 ? [] : ['```sh', ...examples, '```', '']),
    ...optionRows(command),
  ];
}

function sections(command: Command, path: readonly string[]): readonly string[] {
  return command.commands.flatMap((inner) => {
    const innerPath = [...path, inner.name()];
    return inner.commands.length === 0 ? sectionOf(inner, innerPath) : sections(inner, innerPath);
  });
}

/** The whole page. */
export function renderCliDocs(program: Command): string {
  const codes = EXIT_CODE_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return `${HEAD}${codes.join('\n')}\n\n${sections(program, []).join('\n').trimEnd()}\n`;
}
