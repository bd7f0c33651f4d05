/**
 * `alwrity-gateway config …`: settings as this machine has them, without a running gateway.
 *
 * @module
 */
import type { Command } from 'commander';
import { configJsonSchema, resolveProviders, viewConfig } from '../../config/index.ts';
import { addExamples, addOutputOptions, type CommandScope } from '../command-kit.ts';
import { Output, type OutputFlags } from '../output.ts';
import { loadSettings, type SettingFlags } from '../settings.ts';
import { renderTable } from '../table.ts';

type Flags = OutputFlags & SettingFlags;

function valueAt(settings: unknown, path: string): unknown {
  let value = settings;
  for (const step of path.split(/[.[\]]/).filter((part) => part !== '')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function addFileOption(command: Command): Command {
  return command.option('--config <file>', 'configuration file (gateway.yaml where present)');
}

export function registerConfig(program: Command, scope: CommandScope): void {
  const { context } = scope;
  const config = program
    .command('config')
    .description('settings of a gateway started here: check, print, schema');
  addExamples(config, scope, [
    ['config check', ''],
    ['config print', ''],
  ]);

  const check = addFileOption(config.command('check'))
    .description('say whether a gateway would start with these settings; exit code 3 when not')
    .action(async (flags: Flags) => {
      const { PROVIDERS } = await import('../../providers/registry.ts');
      const loaded = loadSettings(context, flags);
      const providers = resolveProviders(PROVIDERS, context.environment, loaded.config);
      const output = new Output(context, flags);
      for (const warning of loaded.warnings) output.warning(warning);
      const ids = providers.configured.map(({ definition }) => definition.id);
      const document = { ok: true, file: loaded.file, providers: ids, warnings: loaded.warnings };
      output.data(document, () => {
        const file = loaded.file ?? 'no gateway.yaml; environment and defaults';
        const names = ids.length === 0 ? 'none configured' : ids.join(', ');
        return `${output.colors.green('ok')}  ${file}   providers: ${names}`;
      });
    });
  addExamples(addOutputOptions(check), scope, [
    ['config check', ''],
    ['config check --config staging.yaml', ''],
  ]);

  const print = addFileOption(config.command('print'))
    .description('print every setting with its origin; secrets are redacted')
    .option('--changed', 'only what is no default')
    .action((flags: Flags & { changed?: boolean }) => {
      const view = viewConfig(loadSettings(context, flags));
      const output = new Output(context, flags);
      for (const warning of view.warnings) output.warning(warning);
      const rows = Object.entries(view.origins)
        .filter(([, origin]) => flags.changed !== true || origin !== 'default')
        .map(([path, origin]) => ({ path, origin, value: valueAt(view.settings, path) }));
      if (rows.length === 0) output.message('Every setting has its default.');
      if (rows.length === 0 && !output.json) return;
      output.data({ ...view }, () =>
        renderTable(
          rows,
          [
            { title: 'setting', value: (row) => row.path },
            { title: 'value', value: (row) => valueText(row.value) },
            { title: 'origin', value: (row) => row.origin },
          ],
          output.colors,
        ),
      );
    });
  addExamples(addOutputOptions(print), scope, [
    ['config print --changed', 'what differs from the defaults, and where it is set'],
  ]);

  const schema = config
    .command('schema')
    .description('print the JSON Schema (draft-07) of gateway.yaml, for editors')
    .action(() => {
      context.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    });
  addExamples(schema, scope, [['config schema > gateway.schema.json', '']]);
}
