/**
 * `alwrity-gateway provider list` and `alwrity-gateway models route`: what routing knows.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatCount, formatInstant } from '../format.ts';
import { renderTable } from '../table.ts';

const providerReply = z.looseObject({
  id: z.string(),
  title: z.string(),
  base_url: z.string(),
  credential: z.string(),
  simulated: z.boolean(),
  operations: z.array(z.string()),
  models: z.number(),
  quarantined: z.string().nullable(),
});
type ProviderRow = z.infer<typeof providerReply>;

const QUARANTINED: Readonly<Record<string, string>> = {
  auth: 'refuses the credential',
  credit: 'has no credit',
};

function stateText({ quarantined, simulated }: ProviderRow): string {
  if (quarantined !== null) return QUARANTINED[quarantined] ?? quarantined;
  return simulated ? 'simulated' : 'in use';
}

/** Adds `list` to the command of providers. */
export function registerProviderList(providers: Command, scope: CommandScope): void {
  const list = addLimitOption(providers.command('list'))
    .description('list configured providers: what they do, and whether their credential works')
    .action(async (flags: CommonFlags & { limit: number }) => {
      const request = { path: '/providers', limit: flags.limit };
      await showList(openSession(scope, flags), request, {
        schema: providerReply,
        empty: `No providers. ${scope.context.invocation} doctor says which keys are missing.`,
        columns: [
          { title: 'provider', value: (row) => row.id },
          { title: 'state', value: stateText },
          { title: 'models', align: 'right', value: (row) => formatCount(row.models) },
          { title: 'address', value: (row) => row.base_url },
          { title: 'does', value: (row) => row.operations.join(' ') },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [['provider list', '']]);
}

const routeReply = z.looseObject({
  candidates: z.array(
    z.looseObject({
      provider: z.string(),
      model: z.string(),
      state: z.string(),
      until: z.string().nullable(),
      price: z.string().nullable(),
    }),
  ),
});

const STATES: Readonly<Record<string, string>> = {
  ready: 'ready',
  cannot: 'cannot do this',
  unpriced: 'has no price',
  cooled: 'asked to wait',
  open: 'fails too often',
  quarantined: 'its credential is refused',
};

/** Adds `route` to the command of models. */
export function registerModelRoute(models: Command, scope: CommandScope): void {
  const route = models
    .command('route <model>')
    .description('where a call would go now, and why a candidate is passed over; calls nobody')
    .option('--operation <name>', 'such as image.generate (text.generate)')
    .action(async (model: string, flags: CommonFlags & { operation?: string }) => {
      const { client, output } = openSession(scope, flags);
      const { operation } = flags;
      const asked = { model, ...(operation === undefined ? {} : { operation }) };
      const body = await client.admin('POST', '/routing/explain', { body: asked });
      output.data(body, () =>
        renderTable(
          parseReply(routeReply, body).candidates.map((row, index) => ({ ...row, n: index + 1 })),
          [
            { title: '', align: 'right', value: (row) => String(row.n) },
            { title: 'candidate', value: (row) => `${row.provider}/${row.model}` },
            { title: 'state', value: (row) => STATES[row.state] ?? row.state },
            { title: 'until (UTC)', value: (row) => formatInstant(row.until) },
            { title: 'price', value: (row) => row.price ?? '' },
          ],
          output.colors,
        ),
      );
    });
  addExamples(addClientOptions(route), scope, [
    ['models route gemini/gemini-2.5-flash', ''],
    ['models route hero-image --operation image.generate', 'an alias'],
  ]);
}
