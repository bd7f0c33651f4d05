/**
 * `alwrity-gateway provider …`: those configured, and the files of a new provider, in a checkout of the gateway.
 *
 * @module
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Option, type Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { addExamples, addOutputOptions, type CommandScope } from '../command-kit.ts';
import { Output, type OutputFlags } from '../output.ts';
import { namesOf, PROVIDER_ID } from '../scaffold/names.ts';
import {
  furtherLines,
  PROVIDER_KINDS,
  providerFiles,
  registryLines,
  type ProviderKindName,
  type ScaffoldLine,
} from '../scaffold/provider-files.ts';
import { registerProviderList } from './routing.ts';

interface Flags extends OutputFlags {
  readonly kind: ProviderKindName;
  readonly title?: string;
  readonly baseUrl?: string;
  readonly documentation?: string;
}

const REGISTRY = 'src/providers/registry.ts';

/** @throws CliError where there is no checkout, the id cannot be one, or files are there already */
function assertPossible(root: string, id: string, paths: readonly string[]): void {
  if (!PROVIDER_ID.test(id) || id.length > 40) {
    throw new CliError(`"${id}" cannot be a provider's id.`, {
      code: 'invalid_id',
      fixes: ['take small letters, digits and single hyphens: acme-images'],
    });
  }
  if (!existsSync(join(root, REGISTRY))) {
    throw new CliError(`There is no checkout of the gateway in ${root}.`, {
      code: 'no_checkout',
      fixes: ['run this where package.json and src/providers are'],
    });
  }
  const taken = paths.find((path) => existsSync(join(root, dirname(path))));
  if (taken !== undefined) {
    throw new CliError(`${dirname(taken)} is there already.`, {
      code: 'already_there',
      fixes: ['take another id, or remove that folder'],
    });
  }
}

function shown(lines: readonly ScaffoldLine[]): string {
  return lines.map(({ file, line }) => `  ${file}\n    ${line.trim()}`).join('\n');
}

function create(scope: CommandScope, id: string, flags: Flags): void {
  const output = new Output(scope.context, flags);
  const root = scope.context.workingDirectory;
  const names = namesOf(id, flags);
  const files = providerFiles(names, flags.kind);
  assertPossible(
    root,
    id,
    files.map(({ path }) => path),
  );
  for (const { path, text } of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { flag: 'wx' });
  }
  const today = new Date().toISOString().slice(0, 10);
  const [registry, further] = [registryLines(names), furtherLines(names, flags.kind, today)];
  output.data({ provider: id, files: files.map(({ path }) => path), registry, further }, () =>
    [
      ...files.map(({ path }) => `wrote ${path}`),
      '',
      'Its line in the registry makes it a provider:',
      shown(registry),
      '',
      flags.kind === 'chat'
        ? 'Prices, once they are known:'
        : 'Simulator and prices, as far as they are ready:',
      shown(further),
      '',
      `Then: npm run format && npm run generate && npm test -- src/providers/${id}`,
      'What is what: docs/adding-a-provider.md',
    ].join('\n'),
  );
}

export function registerProvider(program: Command, scope: CommandScope): void {
  const provider = program
    .command('provider')
    .alias('providers')
    .description('providers: list; new ones, for those who work on the gateway');
  registerProviderList(provider, scope);
  const fresh = provider
    .command('new <id>')
    .description('write the files of a new provider into this checkout')
    .addOption(
      new Option('--kind <kind>', 'what it does; chat: it speaks OpenAI’s protocol')
        .choices(PROVIDER_KINDS)
        .default('image'),
    )
    .option('--title <text>', 'how people call it')
    .option('--base-url <address>', 'its address, before the version')
    .option('--documentation <address>', 'the page that the adapter follows')
    .action((id: string, flags: Flags) => create(scope, id, flags));
  addExamples(addOutputOptions(fresh), scope, [
    ['provider new acme-images', 'adapter, test and simulator, and the lines that make it known'],
    ['provider new acme-clips --kind video-job', 'clips, as work that is followed'],
  ]);
}
