/**
 * `alwrity-gateway models list`.
 *
 * @module
 */
import type { Command } from 'commander';
import type { z } from 'zod';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatCount, formatMoney } from '../format.ts';
import { modelReply } from '../replies.ts';
import { registerModelRoute } from './routing.ts';

type Model = z.infer<typeof modelReply>;

function price(unit: string): (model: Model) => string {
  return (model) => {
    const rate = model.usd_per_million[unit];
    return rate === undefined ? '' : formatMoney(rate);
  };
}

export function registerModels(program: Command, scope: CommandScope): void {
  const models = program
    .command('models')
    .alias('model')
    .description('models and aliases: list, route');
  addExamples(models, scope, [['models list', '']]);
  const list = addLimitOption(models.command('list'))
    .description('list the models of the configured providers, with prices for a million tokens')
    .option('--provider <id>', 'of this provider only')
    .action(async (flags: CommonFlags & { limit: number; provider?: string }) => {
      const request = { path: '/models', limit: flags.limit, query: { provider: flags.provider } };
      await showList(openSession(scope, flags), request, {
        schema: modelReply,
        empty: `No models: no provider is configured. ${scope.context.invocation} doctor says which keys are missing.`,
        columns: [
          { title: 'model', value: (model) => model.id },
          { title: 'stands for', value: (model) => model.candidates?.join(', ') ?? '' },
          { title: 'answers in', value: (model) => model.output?.join(', ') ?? '' },
          {
            title: 'context',
            align: 'right',
            value: (model) =>
              model.context_window === null ? '' : formatCount(model.context_window),
          },
          {
            title: 'output max',
            align: 'right',
            value: (model) =>
              model.max_output_tokens === null ? '' : formatCount(model.max_output_tokens),
          },
          { title: 'in $/M', align: 'right', value: price('input_text_tokens') },
          { title: 'cached $/M', align: 'right', value: price('cache_read_tokens') },
          { title: 'out $/M', align: 'right', value: price('output_text_tokens') },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [
    ['models list', ''],
    ['models list --provider sim', ''],
  ]);
  registerModelRoute(models, scope);
}
