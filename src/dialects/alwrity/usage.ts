/**
 * Usage, trends and the dashboard in ALwrity's shapes, from the rollups that `GET /v1/usage` reads.
 *
 * @module
 */
import { z } from 'zod';
import type { Exchange } from '../../gateway/exchange.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import { meterAmountAsNumber } from '../../metering/core/meter-amounts.ts';
import { projectPeriod } from '../../metering/core/projection.ts';
import type { MeterAmounts, UsageReport } from '../../metering/ports.ts';
import { accountOf, type UserAccount } from './account.ts';
import { readAlerts } from './alerts.ts';
import { LIMIT_FIELDS, type LimitFieldName, showPlanLimits, usedBy } from './limit-fields.ts';
import { monthName, monthRange, readQuery } from './query.ts';
import type { dashboardSchema, trendsSchema, usageSchema } from './shapes.ts';

type ShownUsage = z.input<typeof usageSchema>;

/** Calls from which response time and errors are told. */
const NEWEST_CALLS = 200;
const WARNING_PERCENT = 80;

interface Use {
  calls: number;
  cost: number;
  tokens: number;
}

function useOf(totals: MeterAmounts): Use {
  return {
    calls: Number(totals.requests ?? 0n),
    cost: meterAmountAsNumber('cost_usd', totals.cost_usd ?? 0n),
    tokens: Number(totals.total_tokens ?? 0n),
  };
}

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

function sumBy(report: UsageReport, name: string): ReadonlyMap<string, MeterAmounts> {
  const sums = new Map<string, { requests: bigint; cost_usd: bigint; total_tokens: bigint }>();
  for (const { key, totals } of report.groups) {
    const of = key[name] ?? '';
    const sum = sums.get(of) ?? { requests: 0n, cost_usd: 0n, total_tokens: 0n };
    sum.requests += totals.requests ?? 0n;
    sum.cost_usd += totals.cost_usd ?? 0n;
    sum.total_tokens += totals.total_tokens ?? 0n;
    sums.set(of, sum);
  }
  return sums;
}

/** Seconds and percent over the newest calls of a range. */
async function recentCalls(
  gateway: Gateway,
  customerId: string,
  range: Range,
): Promise<{ readonly seconds: number; readonly errorPercent: number }> {
  const query = { customerId, ...range, limit: NEWEST_CALLS, cursor: null };
  const { data } = await gateway.store.reader.requests(query);
  if (data.length === 0) return { seconds: 0, errorPercent: 0 };
  const ms = data.reduce((sum, call) => sum + call.finishedAtMs - call.startedAtMs, 0);
  const failed = data.filter(({ status }) => status >= 400).length;
  return { seconds: ms / data.length / 1000, errorPercent: (failed / data.length) * 100 };
}

/** Shares of the limits of the running period, percent. */
async function percentages(
  gateway: Gateway,
  { customer, plan, subscription }: UserAccount,
): Promise<Partial<Record<LimitFieldName, number>>> {
  const limits = showPlanLimits(plan.plan);
  const report = await gateway.store.reader.usage({
    customerId: customer.id,
    fromMs: subscription.period.startMs,
    toMs: subscription.period.endMs,
    groupBy: ['provider', 'operation'],
    bucket: null,
  });
  const shares: Partial<Record<LimitFieldName, number>> = {};
  for (const field of LIMIT_FIELDS) {
    const limit = limits[field.name];
    if (limit > 0) shares[field.name] = (usedBy(field, report) / limit) * 100;
  }
  return shares;
}

function statusOf(shares: Partial<Record<LimitFieldName, number>>): ShownUsage['usage_status'] {
  const highest = Math.max(0, ...Object.values(shares));
  if (highest >= 100) return 'limit_reached';
  return highest >= WARNING_PERCENT ? 'warning' : 'active';
}

async function usageIn(
  gateway: Gateway,
  account: UserAccount,
  { name, ...range }: Range & { readonly name: string },
): Promise<ShownUsage> {
  const { customer, plan } = account;
  const ask = { customerId: customer.id, ...range };
  const report = await gateway.store.reader.usage({
    ...ask,
    groupBy: ['provider'],
    bucket: 'month',
  });
  const shares = await percentages(gateway, account);
  const recent = await recentCalls(gateway, customer.id, range);
  const all = useOf(report.totals);
  return {
    billing_period: name,
    usage_status: statusOf(shares),
    total_calls: all.calls,
    total_tokens: all.tokens,
    total_cost: all.cost,
    avg_response_time: recent.seconds,
    error_rate: recent.errorPercent,
    limits: showPlanLimits(plan.plan),
    provider_breakdown: Object.fromEntries(
      [...sumBy(report, 'provider')].map(([provider, totals]) => [provider, useOf(totals)]),
    ),
    usage_percentages: shares,
    historical_breakdown: [...sumBy(report, 'bucket')].map(([start, totals]) => ({
      billing_period: start.slice(0, 7),
      ...useOf(totals),
    })),
    last_updated: new Date(report.asOfMs).toISOString(),
  };
}

const usageQuery = z.object({
  billing_period: z
    .string()
    .regex(/^(?:all|current|\d{4}-(?:0[1-9]|1[0-2]))$/, {
      error: 'must be a month such as 2026-11, "current" or "all"',
    })
    .optional()
    .describe('A UTC month such as 2026-11, `current` for the running period, `all` by default.'),
});
/** Query of `usage/{user}` and `dashboard/{user}`. */
export { usageQuery };

function rangeOf(
  period: string | undefined,
  { subscription }: UserAccount,
  nowMs: number,
): Range & { readonly name: string } {
  if (period === undefined || period === 'all') return { name: 'all', fromMs: 0, toMs: nowMs + 1 };
  if (period === 'current') {
    const { startMs, endMs } = subscription.period;
    return { name: monthName(startMs), fromMs: startMs, toMs: endMs };
  }
  return { name: period, ...monthRange(period) };
}

/** `GET usage/{user}`. */
export async function answerUsage(
  gateway: Gateway,
  exchange: Exchange,
  user: string,
): Promise<ShownUsage> {
  const account = await accountOf(gateway, exchange, user);
  const { billing_period } = readQuery(exchange, usageQuery);
  return usageIn(gateway, account, rangeOf(billing_period, account, gateway.clock.nowMs()));
}

/** Query of `usage/{user}/trends`. */
export const trendsQuery = z.object({
  months: z.coerce
    .number({ error: 'must be a whole number from 1 to 24' })
    .int({ error: 'must be a whole number from 1 to 24' })
    .min(1, { error: 'must be a whole number from 1 to 24' })
    .max(24, { error: 'must be a whole number from 1 to 24' })
    .optional()
    .describe('UTC months, the running one included; 6 by default.'),
});

async function trendsOf(
  gateway: Gateway,
  customerId: string,
  months: number,
): Promise<z.input<typeof trendsSchema>> {
  const now = new Date(gateway.clock.nowMs());
  const firstMonth = now.getUTCMonth() - months + 1;
  const starts = Array.from({ length: months }, (_, index) =>
    Date.UTC(now.getUTCFullYear(), firstMonth + index, 1),
  );
  const report = await gateway.store.reader.usage({
    customerId,
    fromMs: starts[0] ?? 0,
    toMs: now.getTime() + 1,
    groupBy: ['provider'],
    bucket: 'month',
  });
  const periods = starts.map(monthName);
  const providers = [...sumBy(report, 'provider').keys()].toSorted();
  const series = (provider: string | null): Use[] =>
    periods.map((period) => {
      const groups = report.groups.filter(
        ({ key }) =>
          key['bucket']?.startsWith(period) === true &&
          (provider === null || key['provider'] === provider),
      );
      return useOf(sumBy({ ...report, groups }, '').get('') ?? {});
    });
  const columns = (uses: readonly Use[]) => ({
    calls: uses.map(({ calls }) => calls),
    cost: uses.map(({ cost }) => cost),
    tokens: uses.map(({ tokens }) => tokens),
  });
  const all = columns(series(null));
  return {
    periods,
    total_calls: all.calls,
    total_cost: all.cost,
    total_tokens: all.tokens,
    provider_trends: Object.fromEntries(
      providers.map((provider) => [provider, columns(series(provider))]),
    ),
  };
}

/** `GET usage/{user}/trends`. */
export async function answerTrends(
  gateway: Gateway,
  exchange: Exchange,
  user: string,
): Promise<z.input<typeof trendsSchema>> {
  const { customer } = await accountOf(gateway, exchange, user);
  return trendsOf(gateway, customer.id, readQuery(exchange, trendsQuery).months ?? 6);
}

async function projectedCost(gateway: Gateway, account: UserAccount): Promise<number> {
  const { customer, subscription } = account;
  const { startMs, endMs } = subscription.period;
  const report = await gateway.store.reader.usage({
    customerId: customer.id,
    fromMs: startMs,
    toMs: endMs,
    groupBy: [],
    bucket: null,
  });
  const { totals } = projectPeriod(subscription.period, {
    nowMs: report.asOfMs,
    used: report.totals,
    statuses: [],
  });
  // At the start of a period nothing can be told but what was spent.
  return meterAmountAsNumber('cost_usd', (totals ?? report.totals).cost_usd ?? 0n);
}

const ALERTS_SHOWN = 5;

/** `GET dashboard/{user}`. */
export async function answerDashboard(
  gateway: Gateway,
  exchange: Exchange,
  user: string,
): Promise<z.input<typeof dashboardSchema>> {
  const account = await accountOf(gateway, exchange, user);
  const { customer, plan } = account;
  const { billing_period } = readQuery(exchange, usageQuery);
  const nowMs = gateway.clock.nowMs();
  const total = await usageIn(gateway, account, rangeOf(billing_period, account, nowMs));
  const current = await usageIn(
    gateway,
    account,
    rangeOf(billing_period ?? 'current', account, nowMs),
  );
  const limits = showPlanLimits(plan.plan);
  const alerts = await readAlerts(gateway, customer.id, { unreadOnly: true, limit: ALERTS_SHOWN });
  const cost = await projectedCost(gateway, account);
  return {
    total_usage: total,
    current_period_usage: current,
    trends: await trendsOf(gateway, customer.id, 6),
    limits: { plan_name: plan.plan.name, tier: plan.id, limits },
    alerts: alerts.alerts,
    projections: {
      projected_monthly_cost: cost,
      cost_limit: limits.monthly_cost,
      projected_usage_percentage: limits.monthly_cost > 0 ? (cost / limits.monthly_cost) * 100 : 0,
    },
    summary: {
      total_api_calls_this_month: current.total_calls,
      total_cost_this_month: current.total_cost,
      usage_status: current.usage_status,
      unread_alerts: alerts.unread_count,
    },
  };
}
