/**
 * `alwrity-gateway plans …`.
 *
 * @module
 */
import type { Command } from 'commander';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  showOne,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatAmount, formatInstant, formatMoney } from '../format.ts';
import { applyPlan, type AppliedPlan } from '../plan-changes.ts';
import { readPlanFile } from '../plan-file.ts';
import type { Colors } from '../output.ts';
import { planReply, type PlanReply } from '../replies.ts';
import { renderPairs, renderTable } from '../table.ts';
import { registerPlanPreview } from './plan-preview.ts';

type PlanLimit = PlanReply['limits'][number];

function windowText(window: string): string {
  if (window === 'concurrent') return 'at once';
  return window.startsWith('rolling:') ? `per rolling ${window.slice(8)}` : `per ${window}`;
}

function priceText(plan: PlanReply): string {
  return plan.price_usd === undefined ? '' : formatMoney(plan.price_usd.month);
}

function limitTable(limits: readonly PlanLimit[], colors: Colors): string {
  return renderTable(
    limits,
    [
      { title: 'limit', value: (limit) => limit.id },
      { title: 'meter', value: (limit) => limit.meter },
      {
        title: 'amount',
        align: 'right',
        value: (limit) => formatAmount(limit.meter, limit.amount),
      },
      { title: 'window', value: (limit) => windowText(limit.window) },
      { title: 'operation', value: (limit) => limit.operation ?? '' },
      { title: 'model', value: (limit) => limit.model ?? '' },
      { title: 'scope', value: (limit) => limit.scope ?? '' },
      { title: 'on breach', value: (limit) => limit.on_breach ?? '' },
    ],
    colors,
  );
}

function planText(plan: PlanReply, colors: Colors): string {
  const price = plan.price_usd;
  const pairs = renderPairs(
    [
      ['plan', plan.id],
      ['name', plan.name],
      ['version', String(plan.version)],
      [
        'price',
        price === undefined
          ? null
          : `${formatMoney(price.month)} a month, ${formatMoney(price.year)} a year`,
      ],
      ['models', plan.models?.join(', ') ?? 'all'],
      ['features', plan.features?.join(', ') ?? null],
      ['created', `${formatInstant(plan.created_at)} UTC`],
    ],
    colors,
  );
  const limits =
    plan.limits.length === 0
      ? 'No limits: everything is allowed.'
      : limitTable(plan.limits, colors);
  return `${pairs}\n\n${limits}`;
}

function registerRead(plans: Command, scope: CommandScope): void {
  const list = addLimitOption(plans.command('list'))
    .description('list plans, each in its newest version')
    .action(async (flags: CommonFlags & { limit: number }) => {
      await showList(
        openSession(scope, flags),
        { path: '/plans', limit: flags.limit },
        {
          schema: planReply,
          empty: `No plans. Make one: ${scope.context.invocation} plans apply plans.yaml`,
          columns: [
            { title: 'plan', value: (plan) => plan.id },
            { title: 'name', value: (plan) => plan.name },
            { title: 'version', align: 'right', value: (plan) => String(plan.version) },
            { title: 'a month', align: 'right', value: priceText },
            { title: 'limits', align: 'right', value: (plan) => String(plan.limits.length) },
            { title: 'models', value: (plan) => plan.models?.join(', ') ?? 'all' },
          ],
        },
      );
    });
  addExamples(addClientOptions(list), scope, [['plans list', '']]);

  const show = plans
    .command('show <id>')
    .description('show a plan with its limits')
    .action(async (id: string, flags: CommonFlags) => {
      await showOne(openSession(scope, flags), `/plans/${encodeURIComponent(id)}`, {
        schema: planReply,
        text: planText,
      });
    });
  addExamples(addClientOptions(show), scope, [['plans show free', '']]);
}

function appliedText(applied: readonly AppliedPlan[], dryRun: boolean, colors: Colors): string {
  const words = dryRun
    ? { created: 'would be created', versioned: 'would get a version', unchanged: 'unchanged' }
    : { created: 'created', versioned: 'new version', unchanged: 'unchanged' };
  return renderTable(
    applied,
    [
      { title: 'plan', value: (plan) => plan.id },
      { title: 'result', value: (plan) => words[plan.result] },
      { title: 'version', align: 'right', value: (plan) => String(plan.version) },
      { title: 'changed', value: (plan) => plan.changed.join(', ') },
    ],
    colors,
  );
}

function registerApply(plans: Command, scope: CommandScope): void {
  const apply = plans
    .command('apply <file>')
    .description(
      'create the plans of a YAML or JSON file, or make new versions of those that differ',
    )
    .option('--now', 'subscriptions go over at once, not with their next period')
    .option('--dry-run', 'say what would change, change nothing')
    .action(async (file: string, flags: CommonFlags & { now?: boolean; dryRun?: boolean }) => {
      const wanted = await readPlanFile(scope.context, file);
      const { client, output } = openSession(scope, flags);
      const options = { now: flags.now === true, dryRun: flags.dryRun === true };
      const applied: AppliedPlan[] = [];
      for (const plan of wanted) applied.push(await applyPlan(client, plan, options));
      output.data({ dry_run: options.dryRun, plans: applied }, () =>
        appliedText(applied, options.dryRun, output.colors),
      );
      if (!options.now && !options.dryRun && applied.some((plan) => plan.result === 'versioned')) {
        output.message('Subscriptions go over with their next period; --now does it at once.');
      }
    });
  addExamples(addClientOptions(apply), scope, [
    ['plans apply plans.yaml --dry-run', 'what would change'],
    ['plans apply plans.yaml', 'one plan, a list of them, or {plans: […]}'],
    ['plans apply - < plans.json', 'from standard input'],
  ]);
}

export function registerPlans(program: Command, scope: CommandScope): void {
  const plans = program
    .command('plans')
    .alias('plan')
    .description('plans and their limits: list, show, preview, apply');
  addExamples(plans, scope, [
    ['plans list', ''],
    ['plans show free', ''],
    ['plans preview plans.yaml', ''],
    ['plans apply plans.yaml --dry-run', ''],
  ]);
  registerRead(plans, scope);
  registerPlanPreview(plans, scope);
  registerApply(plans, scope);
}
