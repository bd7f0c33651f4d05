/**
 * `alwrity-gateway customers limits …`: how the limits of a customer stand, and what it has otherwise than its plan says.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { usageError } from '../cli-error.ts';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  showOne,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatAmount, formatInstant } from '../format.ts';
import { limitTable } from '../limit-table.ts';
import type { Colors } from '../output.ts';
import { limitReply } from '../replies.ts';
import { renderTable } from '../table.ts';

const overrideReply = z.looseObject({
  amount: z.union([z.string(), z.number()]),
  meter: z.string().optional(),
  operation: z.string().optional(),
  model: z.string().optional(),
  on_breach: z.string().optional(),
  overage_cap: z.union([z.string(), z.number()]).optional(),
  until: z.string().nullable(),
});

const customerLimitsReply = z.looseObject({
  customer: z.string(),
  plan: z.object({ id: z.string(), version: z.number() }),
  overrides: z.record(z.string(), overrideReply),
  limits: z.array(limitReply),
});
type CustomerLimits = z.infer<typeof customerLimitsReply>;

function overrideTable({ overrides }: CustomerLimits, colors: Colors): string {
  return renderTable(
    Object.entries(overrides).map(([id, override]) => ({ id, ...override })),
    [
      { title: 'override', value: (row) => row.id },
      {
        title: 'amount',
        align: 'right',
        value: (row) => formatAmount(row.meter ?? row.id.split('/')[0] ?? '', row.amount),
      },
      { title: 'operation', value: (row) => row.operation ?? '' },
      { title: 'model', value: (row) => row.model ?? '' },
      { title: 'on breach', value: (row) => row.on_breach ?? '' },
      { title: 'overage', value: (row) => String(row.overage_cap ?? '') },
      {
        title: 'until (UTC)',
        value: (row) => (row.until === null ? 'it is removed' : formatInstant(row.until)),
      },
    ],
    colors,
  );
}

function limitsText(found: CustomerLimits, colors: Colors): string {
  const { plan, limits, overrides } = found;
  const heading =
    Object.keys(overrides).length === 0
      ? `As plan ${plan.id} (version ${plan.version}) says; no overrides.`
      : `Otherwise than plan ${plan.id} (version ${plan.version}) says:\n${overrideTable(found, colors)}`;
  const standing =
    limits.length === 0
      ? 'No limits: everything is allowed.'
      : limitTable(limits, Date.now(), colors);
  return `${heading}\n\n${standing}`;
}

function pathOf(customer: string): string {
  return `/customers/${encodeURIComponent(customer)}/limits`;
}

type Overrides = Readonly<Record<string, object | null>>;

/** Sends changes, and shows what holds afterwards. */
async function change(
  scope: CommandScope,
  flags: CommonFlags,
  { customer, overrides }: { readonly customer: string; readonly overrides: Overrides },
): Promise<void> {
  const { client, output } = openSession(scope, flags);
  const body = await client.admin('PATCH', pathOf(customer), { body: { overrides } });
  output.data(body, () => limitsText(parseReply(customerLimitsReply, body), output.colors));
}

interface SetFlags extends CommonFlags {
  readonly until?: string;
  readonly meter?: string;
  readonly window?: string;
  readonly limitScope?: string;
  readonly operation?: string;
  readonly model?: string;
  readonly onBreach?: string;
  readonly overageCap?: string;
}

/** Members that stand with every amount of one `set`. */
function sharedMembers(flags: SetFlags): object {
  const { until, meter, window, limitScope, operation, model, onBreach, overageCap } = flags;
  return {
    ...(until === undefined ? {} : { until }),
    ...(meter === undefined ? {} : { meter }),
    ...(window === undefined ? {} : { window }),
    ...(limitScope === undefined ? {} : { scope: limitScope }),
    ...(operation === undefined ? {} : { operation }),
    ...(model === undefined ? {} : { model }),
    ...(onBreach === undefined ? {} : { on_breach: onBreach }),
    ...(overageCap === undefined ? {} : { overage_cap: overageCap }),
  };
}

function readSetting(setting: string): readonly [limit: string, amount: string] {
  const at = setting.lastIndexOf('=');
  if (at > 0 && at < setting.length - 1) return [setting.slice(0, at), setting.slice(at + 1)];
  throw usageError(`"${setting}" is no <limit>=<amount>, such as cost_usd/period=20.00.`);
}

function registerSet(limits: Command, scope: CommandScope): void {
  const set = limits
    .command('set <customer> <limit=amount...>')
    .description(
      'give a customer another amount, "unlimited" or "disabled" for limits of its plan, or limits the plan lacks',
    )
    .option('--until <time>', 'the plan’s limit is back then (when it is removed)')
    .option('--meter <name>', 'for a limit whose id is not <meter>/<window>')
    .option('--window <name>', 'with it')
    .option('--limit-scope <scope>', 'whose counter an added limit is (customer)')
    .option('--operation <glob>', 'an added limit counts these alone, such as text.*')
    .option('--model <glob>', 'such as gemini/*')
    .option('--on-breach <what>', 'deny, soft or overage')
    .option('--overage-cap <amount>', 'most beyond the amount')
    .action(async (customer: string, settings: readonly string[], flags: SetFlags) => {
      const shared = sharedMembers(flags);
      const overrides = Object.fromEntries(
        settings.map(readSetting).map(([id, amount]) => [id, { amount, ...shared }]),
      );
      await change(scope, flags, { customer, overrides });
    });
  addExamples(addClientOptions(set), scope, [
    ['customers limits set user-1 cost_usd/period=20.00', 'more than the plan gives'],
    ['customers limits set user-1 images/period=100 --until 2027-01-01', 'for some time'],
    ['customers limits set user-1 video_clips/day=disabled', 'none at all'],
  ]);
}

/** Adds `limits` to the command of customers. */
export function registerCustomerLimits(customers: Command, scope: CommandScope): void {
  const limits = customers
    .command('limits')
    .description('what a customer may do otherwise than its plan says: list, set, remove');
  addExamples(limits, scope, [
    ['customers limits list user-1', ''],
    ['customers limits set user-1 cost_usd/period=20.00', ''],
  ]);
  const list = limits
    .command('list <customer>')
    .description('how the limits of a customer stand, and which are not its plan’s')
    .action(async (customer: string, flags: CommonFlags) => {
      await showOne(openSession(scope, flags), pathOf(customer), {
        schema: customerLimitsReply,
        text: limitsText,
      });
    });
  addExamples(addClientOptions(list), scope, [['customers limits list user-1', '']]);
  registerSet(limits, scope);
  const remove = limits
    .command('remove <customer> <limit>')
    .description('take an override away: what the plan says holds again, at once')
    .action(async (customer: string, id: string, flags: CommonFlags) => {
      await change(scope, flags, { customer, overrides: { [id]: null } });
    });
  addExamples(addClientOptions(remove), scope, [
    ['customers limits remove user-1 cost_usd/period', ''],
  ]);
}
