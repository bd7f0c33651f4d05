/**
 * `alwrity-gateway prices rules …`.
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
  collect,
  openSession,
  showList,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatInstant } from '../format.ts';

const ruleReply = z.looseObject({
  id: z.string(),
  customer: z.string().nullable(),
  plan: z.string().nullable(),
  match: z.string().nullable(),
  markup_percent: z.string().nullable(),
  units: z.array(z.string()).nullable(),
  price: z.looseObject({ provider: z.string(), model: z.string() }).nullable(),
  created_at: z.string(),
  retired_at: z.string().nullable(),
});
type Rule = z.infer<typeof ruleReply>;

function whomText({ customer, plan }: Rule): string {
  if (customer !== null) return customer;
  return plan === null ? 'everyone' : `plan ${plan}`;
}

function whatText({ price, match, units }: Rule): string {
  if (price !== null) return `${price.provider}/${price.model}`;
  return `${match ?? 'every model'}${units === null ? '' : ` (${units.join(', ')})`}`;
}

function chargedText({ markup_percent: percent }: Rule): string {
  if (percent === null) return 'a price of its own';
  return percent.startsWith('-') ? `${percent} %` : `+${percent} %`;
}

function registerList(rules: Command, scope: CommandScope): void {
  const list = addLimitOption(rules.command('list'))
    .description('list price rules, oldest first, those that have ended too')
    .action(async (flags: CommonFlags & { readonly limit: number }) => {
      const request = { path: '/price-rules', limit: flags.limit };
      await showList(openSession(scope, flags), request, {
        schema: ruleReply,
        empty: 'No price rules: every customer pays what providers charge.',
        columns: [
          { title: 'rule', value: (rule) => rule.id },
          { title: 'of', value: whomText },
          { title: 'on', value: whatText },
          { title: 'charges', value: chargedText },
          { title: 'since (UTC)', value: (rule) => formatInstant(rule.created_at) },
          {
            title: 'until',
            value: (rule) => (rule.retired_at === null ? '' : formatInstant(rule.retired_at)),
          },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [['prices rules list', '']]);
}

interface AddFlags extends CommonFlags {
  readonly markup: string;
  readonly match?: string;
  readonly customer?: string;
  readonly plan?: string;
  readonly unit?: readonly string[];
}

function registerAdd(rules: Command, scope: CommandScope): void {
  const add = rules
    .command('add')
    .description('charge more or less than the provider does, from the next request on')
    .requiredOption('--markup <percent>', 'such as 20, 12.5 or -10')
    .option('--match <glob>', 'on models such as gemini/* (every model)')
    .option('--plan <id>', 'for the customers of this plan')
    .option('--customer <id>', 'for this customer')
    .option('--unit <unit>', 'on this unit alone, such as images; may be repeated', collect)
    .action(async (flags: AddFlags) => {
      const { markup, match, customer, plan, unit } = flags;
      const { client, output } = openSession(scope, flags);
      const body = await client.admin('POST', '/price-rules', {
        body: {
          markup_percent: markup,
          ...(match === undefined ? {} : { match }),
          ...(plan === undefined ? {} : { plan }),
          ...(customer === undefined ? {} : { customer }),
          ...(unit === undefined ? {} : { units: unit }),
        },
      });
      output.data(body, () => {
        const rule = parseReply(ruleReply, body);
        return `${rule.id}: ${whomText(rule)} pays ${chargedText(rule)} on ${whatText(rule)}`;
      });
    });
  addExamples(addClientOptions(add), scope, [
    ["prices rules add --markup 20 --match 'gemini/*'", 'for everyone'],
    ['prices rules add --markup 12.5 --plan basic', ''],
    ['prices rules add --markup -10 --customer user-1 --unit images', ''],
  ]);
}

function registerRetire(rules: Command, scope: CommandScope): void {
  const retire = rules
    .command('retire <rule>')
    .description('end a rule; what was booked by it can still be explained')
    .action(async (id: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const path = `/price-rules/${encodeURIComponent(id)}/retire`;
      const body = await client.admin('POST', path, { body: {} });
      output.data(body, () => {
        const rule = parseReply(ruleReply, body);
        return `${rule.id} ended at ${formatInstant(rule.retired_at)}`;
      });
    });
  addExamples(addClientOptions(retire), scope, [['prices rules retire rule_…', '']]);
}

/** Adds `rules` to the command of prices. */
export function registerPriceRules(prices: Command, scope: CommandScope): void {
  const rules = prices
    .command('rules')
    .description('what customers pay where that is not the provider’s price');
  addExamples(rules, scope, [
    ['prices rules list', ''],
    ["prices rules add --markup 20 --match 'gemini/*'", ''],
  ]);
  registerList(rules, scope);
  registerAdd(rules, scope);
  registerRetire(rules, scope);
}
