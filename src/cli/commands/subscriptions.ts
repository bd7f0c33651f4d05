/**
 * `alwrity-gateway subscriptions …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatInstant } from '../format.ts';
import type { Colors } from '../output.ts';
import { subscriptionReply, type SubscriptionReply } from '../replies.ts';
import { renderPairs, renderTable } from '../table.ts';

const changedReply = subscriptionReply.extend({
  change: z.looseObject({ at: z.string(), effective_at: z.string() }),
});

const time = (instant: string | null): string | null =>
  instant === null ? null : `${formatInstant(instant)} UTC`;

function subscriptionText(subscription: SubscriptionReply, colors: Colors): string {
  const { plan, period, scheduled } = subscription;
  const pairs = renderPairs(
    [
      ['status', `${subscription.status}, by the ${subscription.cadence}`],
      ['plan', `${plan.id} (version ${plan.version})`],
      ['period', `${formatInstant(period.start)} to ${formatInstant(period.end)} UTC`],
      ['time zone', subscription.timezone],
      ['trial ends', time(subscription.trial_end)],
      ['grace until', time(subscription.grace_until)],
      ['ends', time(subscription.cancel_at)],
    ],
    colors,
  );
  if (scheduled.length === 0) return pairs;
  const changes = renderTable(
    scheduled,
    [
      { title: 'scheduled', value: (row) => row.change },
      { title: 'plan', value: (row) => row.plan?.id ?? '' },
      { title: 'at (UTC)', value: (row) => formatInstant(row.effective_at) },
    ],
    colors,
  );
  return `${pairs}\n\n${changes}`;
}

/** Members of the body by flag. */
const MEMBERS = [
  ['plan', 'plan'],
  ['status', 'status'],
  ['at', 'at'],
  ['mode', 'mode'],
  ['cancelAt', 'cancel_at'],
  ['graceUntil', 'grace_until'],
  ['trialEnd', 'trial_end'],
  ['cadence', 'cadence'],
  ['anchor', 'anchor'],
  ['timezone', 'timezone'],
] as const;

type ChangeFlags = CommonFlags & Partial<Record<(typeof MEMBERS)[number][0], string>>;

/** Times that `none` takes away. */
const REMOVABLE: readonly string[] = ['cancel_at', 'grace_until'];

function bodyOf(flags: ChangeFlags): Readonly<Record<string, string | null>> {
  const body: Record<string, string | null> = {};
  for (const [flag, member] of MEMBERS) {
    const value = flags[flag];
    if (value === undefined) continue;
    body[member] = value === 'none' && REMOVABLE.includes(member) ? null : value;
  }
  return body;
}

function pathOf(customer: string): string {
  return `/customers/${encodeURIComponent(customer)}/subscription`;
}

function registerChange(subscriptions: Command, scope: CommandScope): void {
  const change = subscriptions
    .command('change <customer>')
    .description('change plan, state, trial, end or periods')
    .option('--plan <id>', 'plan to move to; a cheaper one at the end of what is paid for')
    .option('--status <word>', 'trial, active, past_due, paused, cancelled or expired')
    .option('--at <word>', 'when plan or status change: now or period_end')
    .option('--mode <word>', 'keep_used (default), prorate or restart')
    .option('--cancel-at <time>', 'when it ends; none calls that off')
    .option('--grace-until <time>', 'until when a past due one may call; none: not at all')
    .option('--trial-end <time>', 'end of the trial')
    .option('--cadence <word>', 'month or year')
    .option('--anchor <time>', 'from when later periods are counted, in its zone')
    .option('--timezone <zone>', 'IANA zone of days and later periods')
    .action(async (customer: string, flags: ChangeFlags) => {
      const { client, output } = openSession(scope, flags);
      const reply = await client.admin('PATCH', pathOf(customer), { body: bodyOf(flags) });
      output.data(reply, () => subscriptionText(parseReply(changedReply, reply), output.colors));
      const { change: made } = parseReply(changedReply, reply);
      if (made.at === 'period_end') {
        output.message(`It takes effect at ${formatInstant(made.effective_at)} UTC.`);
      }
    });
  addExamples(addClientOptions(change), scope, [
    ['subscriptions change user-1 --plan pro', ''],
    ['subscriptions change user-1 --plan pro --mode prorate', ''],
    ['subscriptions change user-1 --status cancelled --at period_end', ''],
    ['subscriptions change user-1 --cancel-at none', 'it goes on'],
  ]);
}

export function registerSubscriptions(program: Command, scope: CommandScope): void {
  const subscriptions = program
    .command('subscriptions')
    .alias('subscription')
    .description('subscription of a customer: show, change, call off what is scheduled');
  addExamples(subscriptions, scope, [
    ['subscriptions show user-1', ''],
    ['subscriptions change user-1 --plan pro', ''],
    ['subscriptions call-off user-1 cancel', ''],
  ]);
  const show = subscriptions
    .command('show <customer>')
    .description('state, plan, period, and what is scheduled')
    .action(async (customer: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const reply = await client.admin('GET', pathOf(customer));
      output.data(reply, () =>
        subscriptionText(parseReply(subscriptionReply, reply), output.colors),
      );
    });
  addExamples(addClientOptions(show), scope, [['subscriptions show user-1', '']]);
  registerChange(subscriptions, scope);
  const callOff = subscriptions
    .command('call-off <customer> <change>')
    .description('call off a scheduled change: plan, cancel or activate')
    .action(async (customer: string, change: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const path = `${pathOf(customer)}/scheduled/${encodeURIComponent(change)}`;
      const reply = await client.admin('DELETE', path);
      output.data(reply, () =>
        subscriptionText(parseReply(subscriptionReply, reply), output.colors),
      );
    });
  addExamples(addClientOptions(callOff), scope, [['subscriptions call-off user-1 cancel', '']]);
}
