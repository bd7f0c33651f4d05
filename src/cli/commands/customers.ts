/**
 * `alwrity-gateway customers …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  showOne,
  wholeNumber,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatInstant } from '../format.ts';
import type { Colors } from '../output.ts';
import { customerReply, customerRow, type CustomerReply } from '../replies.ts';
import { renderPairs } from '../table.ts';
import { registerCustomerLimits } from './customer-limits.ts';

function customerText(customer: CustomerReply, colors: Colors): string {
  const { subscription } = customer;
  const time = (instant: string | null): string | null =>
    instant === null ? null : `${formatInstant(instant)} UTC`;
  return renderPairs(
    [
      ['customer', customer.externalId],
      ['id', customer.id],
      ['name', customer.name],
      ['plan', `${subscription.plan.id} (version ${subscription.plan.version})`],
      ['subscription', `${subscription.status}, by the ${subscription.cadence}`],
      [
        'period',
        `${formatInstant(subscription.period.start)} to ${formatInstant(subscription.period.end)} UTC`,
      ],
      ['time zone', subscription.timezone],
      ['trial ends', time(subscription.trial_end)],
      ['grace until', time(subscription.grace_until)],
      ['ends', time(subscription.cancel_at)],
      ['created', time(customer.created_at)],
    ],
    colors,
  );
}

interface CreateFlags extends CommonFlags {
  readonly plan: string;
  readonly name?: string;
  readonly trialDays?: number;
  readonly cadence?: string;
  readonly timezone?: string;
  readonly anchor?: string;
}

function registerCreate(customers: Command, scope: CommandScope): void {
  const create = customers
    .command('create <id>')
    .description('make a customer, named by your own id, with a subscription')
    .requiredOption('--plan <id>', 'plan to subscribe to')
    .option('--name <text>', 'name for people')
    .option('--trial-days <number>', 'begin with a trial', wholeNumber(1, 730))
    .option('--cadence <word>', 'month (default) or year')
    .option('--timezone <zone>', 'IANA zone of days and periods (UTC)')
    .option('--anchor <time>', 'from when periods are counted, in that zone (now)')
    .action(async (externalId: string, flags: CreateFlags) => {
      const { plan, name, cadence, timezone, anchor, trialDays } = flags;
      const body = {
        externalId,
        plan,
        ...(name === undefined ? {} : { name }),
        ...(trialDays === undefined ? {} : { trial_days: trialDays }),
        ...(cadence === undefined ? {} : { cadence }),
        ...(timezone === undefined ? {} : { timezone }),
        ...(anchor === undefined ? {} : { anchor }),
      };
      const { client, output } = openSession(scope, flags);
      const made = await client.admin('POST', '/customers', { body });
      output.data(made, () => customerText(parseReply(customerReply, made), output.colors));
      const { invocation } = scope.context;
      output.message(`A key for it: ${invocation} keys create <name> --customer ${externalId}`);
    });
  addExamples(addClientOptions(create), scope, [
    ['customers create user-1 --plan free', ''],
    ['customers create user-2 --plan pro --trial-days 14 --timezone Europe/Berlin', ''],
  ]);
}

export function registerCustomers(program: Command, scope: CommandScope): void {
  const customers = program
    .command('customers')
    .alias('customer')
    .description('customers, their subscriptions and limits: list, create, show, limits');
  addExamples(customers, scope, [
    ['customers list', ''],
    ['customers create user-1 --plan free', ''],
    ['customers show user-1', ''],
  ]);

  const list = addLimitOption(customers.command('list'))
    .description('list customers')
    .action(async (flags: CommonFlags & { limit: number }) => {
      await showList(
        openSession(scope, flags),
        { path: '/customers', limit: flags.limit },
        {
          schema: customerRow,
          empty: `No customers. Make one: ${scope.context.invocation} customers create <id> --plan free`,
          columns: [
            { title: 'customer', value: (row) => row.externalId },
            { title: 'name', value: (row) => row.name ?? '' },
            { title: 'id', value: (row) => row.id },
            { title: 'created (UTC)', value: (row) => formatInstant(row.created_at) },
          ],
        },
      );
    });
  addExamples(addClientOptions(list), scope, [['customers list', '']]);
  registerCreate(customers, scope);

  const show = customers
    .command('show <id>')
    .description('show a customer with its subscription (cus_… or your own id)')
    .action(async (id: string, flags: CommonFlags) => {
      await showOne(openSession(scope, flags), `/customers/${encodeURIComponent(id)}`, {
        schema: customerReply,
        text: customerText,
      });
    });
  addExamples(addClientOptions(show), scope, [['customers show user-1', '']]);
  registerCustomerLimits(customers, scope);
}
