/**
 * Usage: the counters' own numbers.
 *
 * @module
 */
import { z } from 'zod';
import type { UsageDimension, UsageReport } from '../../../metering/ports.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  instantSchema,
  parseInstant,
  showAmounts,
  timeSchema,
  totalsSchema,
} from '../shapes.ts';

const DIMENSIONS = ['provider', 'model', 'customer', 'key', 'operation'] as const;

const query = z.strictObject({
  customer: customerNameSchema.optional(),
  from: instantSchema.optional(),
  to: instantSchema.optional(),
  group_by: z
    .union([z.string().max(200), z.array(z.string().max(200)).max(10)])
    .optional()
    .meta({
      description: `Comma-separated or repeated: ${DIMENSIONS.join(', ')}.`,
      example: 'provider,model',
    }),
  bucket: z.enum(['hour', 'day', 'month']).optional().describe('Splits groups by time as well.'),
});

/** Usage as both planes answer it. */
export const usageReportSchema = z
  .strictObject({
    customer: z.string().nullable().describe('The customer; null for all of them.'),
    from: timeSchema,
    to: timeSchema,
    totals: totalsSchema.describe('Settled calls.'),
    held: totalsSchema.describe('Reserved by calls in flight.'),
    groups: z.array(
      z.strictObject({ key: z.record(z.string(), z.string()), totals: totalsSchema }),
    ),
    as_of: timeSchema,
  })
  .meta({ id: 'UsageReport' });

/** What a report is about; `customer` is null for all customers. */
export interface UsageRange {
  readonly customer: string | null;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A usage report as both planes answer it. */
export function showUsageReport(
  report: UsageReport,
  range: UsageRange,
): z.input<typeof usageReportSchema> {
  return {
    customer: range.customer,
    from: formatTime(range.fromMs),
    to: formatTime(range.toMs),
    totals: showAmounts(report.totals),
    held: showAmounts(report.held),
    groups: report.groups.map((group) => ({
      key: { ...group.key },
      totals: showAmounts(group.totals),
    })),
    as_of: formatTime(report.asOfMs),
  };
}

function isDimension(name: string): name is UsageDimension {
  return DIMENSIONS.some((dimension) => dimension === name);
}

function parseGroupBy(value: z.output<typeof query>['group_by']): readonly UsageDimension[] {
  if (value === undefined) return [];
  const names = [value].flat().flatMap((text) => text.split(',').map((name) => name.trim()));
  return [...new Set(names)].map((name) => {
    if (isDimension(name)) return name;
    throw invalidRequest('group_by', `"${name}" is none of ${DIMENSIONS.join(', ')}.`);
  });
}

/** The UTC month around an instant. */
function monthOf(instantMs: number): { readonly startMs: number; readonly endMs: number } {
  const date = new Date(instantMs);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  return { startMs: Date.UTC(year, month, 1), endMs: Date.UTC(year, month + 1, 1) };
}

/** `GET /usage`. */
export const usageRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/usage',
    operationId: 'getUsage',
    summary: 'Usage of one customer or of all',
    description:
      'Without a range: the current period of the customer, else the current month in UTC. The end is exclusive.',
    tag: 'usage',
    query,
    reply: usageReportSchema,
    errors: ['not_found'],
    async handle(input, { store, now }) {
      const groupBy = parseGroupBy(input.query.group_by);
      const found =
        input.query.customer === undefined
          ? null
          : await findCustomer(store, input.query.customer, 'customer');
      const usual = found?.subscription.period ?? monthOf(now());
      const fromMs =
        input.query.from === undefined ? usual.startMs : parseInstant(input.query.from, 'from');
      const toMs = input.query.to === undefined ? usual.endMs : parseInstant(input.query.to, 'to');
      if (fromMs >= toMs) throw invalidRequest('to', 'must be after "from".');
      const report = await store.reader.usage({
        customerId: found?.customer.id ?? null,
        fromMs,
        toMs,
        groupBy,
        bucket: input.query.bucket ?? null,
      });
      return showUsageReport(report, { customer: found?.customer.id ?? null, fromMs, toMs });
    },
  }),
];
