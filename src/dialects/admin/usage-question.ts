/**
 * Questions about usage and their answers, as both planes have them.
 *
 * @module
 */
import { z } from 'zod';
import { METERS } from '../../contracts/metering.ts';
import { formatUsd } from '../../contracts/money.ts';
import { projectPeriod, type Projection } from '../../metering/core/projection.ts';
import type {
  MeteringStore,
  UsageAmounts,
  UsageDimension,
  UsageQuery,
  UsageReport,
} from '../../metering/ports.ts';
import { invalidRequest } from '../validation.ts';
import {
  formatTime,
  formatTimeOrNull,
  instantSchema,
  parseInstant,
  showAmounts,
  timeSchema,
  totalsSchema,
  usdSchema,
} from './shapes.ts';

const DIMENSIONS = [
  'provider',
  'model',
  'customer',
  'key',
  'plan',
  'modality',
  'operation',
] as const;
const TAG = /^tag:[A-Za-z0-9_.-]{1,64}$/;
const NAMES = `${DIMENSIONS.join(', ')}, tag:<name>`;

/** Query members of both planes. */
export const usageQueryShape = {
  from: instantSchema.optional(),
  to: instantSchema.optional(),
  group_by: z
    .union([z.string().max(400), z.array(z.string().max(400)).max(10)])
    .optional()
    .meta({
      description: `Comma-separated or repeated: ${NAMES}. By one tag at a time; what has no such tag is \`(none)\`, values beyond a hundred a day are \`(other)\`.`,
      example: 'provider,model',
    }),
  bucket: z
    .enum(['hour', 'day', 'month'])
    .optional()
    .describe('Splits groups by time as well; hours, days and months are those of UTC.'),
};

const querySchema = z.strictObject(usageQueryShape);
/** Parsed query members. */
export type UsageQuestion = z.output<typeof querySchema>;

const projectionSchema = z
  .strictObject({
    period: z.strictObject({ start: timeSchema, end: timeSchema }),
    elapsed_ms: z.int(),
    length_ms: z.int(),
    reliable_from: timeSchema.describe(
      'Before it nothing is projected: an hour and a hundredth of the period.',
    ),
    totals: totalsSchema.nullable(),
    limits: z.array(
      z.strictObject({
        id: z.string(),
        meter: z.enum(METERS),
        scope: z.string(),
        limit: z.string(),
        used: z.string(),
        projected: z.string(),
        exhausted_at: timeSchema.nullable().describe('Null where the period ends before.'),
      }),
    ),
  })
  .meta({
    id: 'UsageProjection',
    description:
      'What the period comes to if it goes on as it began: settled amount × length ÷ elapsed, rounded up.',
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
    projection: projectionSchema
      .nullable()
      .describe('Of the running period; null where the question names a range.'),
    as_of: timeSchema,
  })
  .meta({ id: 'UsageReport' });

/** Beside totals, for the operator. */
const providerCostShape = {
  provider_cost_usd: usdSchema.describe('What providers charge.'),
  margin_usd: usdSchema.describe('`cost_usd` less that: what price rules add.'),
};

/** Usage as the control plane answers it. */
export const operatorUsageSchema = usageReportSchema
  .extend({
    ...providerCostShape,
    groups: z.array(
      z.strictObject({
        key: z.record(z.string(), z.string()),
        totals: totalsSchema,
        ...providerCostShape,
      }),
    ),
  })
  .meta({ id: 'OperatorUsage' });

/** A report as JSON. */
export type ShownUsageReport = z.input<typeof usageReportSchema>;
type ShownOperatorUsage = z.input<typeof operatorUsageSchema>;

/** Members that customers are not shown. */
export function showProviderCost({
  cost_usd: cost = 0n,
  margin_usd: margin = 0n,
}: UsageAmounts): Record<keyof typeof providerCostShape, string> {
  return { provider_cost_usd: formatUsd(cost - margin), margin_usd: formatUsd(margin) };
}

function isDimension(name: string): name is UsageDimension {
  return DIMENSIONS.some((dimension) => dimension === name) || TAG.test(name);
}

/** @throws GatewayError `invalid_request` for a name that is none, or for two tags */
export function parseGroupBy(value: UsageQuestion['group_by']): readonly UsageDimension[] {
  if (value === undefined) return [];
  const names = [value].flat().flatMap((text) => text.split(',').map((name) => name.trim()));
  const dimensions = [...new Set(names)].map((name) => {
    if (isDimension(name)) return name;
    throw invalidRequest('group_by', `"${name.slice(0, 100)}" is none of ${NAMES}.`);
  });
  if (dimensions.filter((name) => TAG.test(name)).length > 1) {
    throw invalidRequest(
      'group_by',
      'usage is told apart by one tag at a time; leave out the others.',
    );
  }
  return dimensions;
}

/** The UTC month around an instant. */
export function monthOf(instantMs: number): { readonly startMs: number; readonly endMs: number } {
  const date = new Date(instantMs);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  return { startMs: Date.UTC(year, month, 1), endMs: Date.UTC(year, month + 1, 1) };
}

export interface UsageAsker {
  /** Null for all customers. */
  readonly customerId: string | null;
  readonly keyId: string | null;
  /** Range of a question that names none. */
  readonly period: { readonly startMs: number; readonly endMs: number };
}

/**
 * The question as the store takes it.
 *
 * @throws GatewayError `invalid_request` naming the member at fault
 */
export function usageQueryOf(question: UsageQuestion, asker: UsageAsker): UsageQuery {
  const { startMs, endMs } = asker.period;
  const fromMs = question.from === undefined ? startMs : parseInstant(question.from, 'from');
  const toMs = question.to === undefined ? endMs : parseInstant(question.to, 'to');
  if (fromMs >= toMs) throw invalidRequest('to', 'must be after "from".');
  return {
    customerId: asker.customerId,
    fromMs,
    toMs,
    groupBy: parseGroupBy(question.group_by),
    bucket: question.bucket ?? null,
  };
}

function showProjection(projection: Projection): z.input<typeof projectionSchema> {
  const { period, elapsedMs, reliableFromMs, totals, limits } = projection;
  return {
    period: { start: formatTime(period.startMs), end: formatTime(period.endMs) },
    elapsed_ms: elapsedMs,
    length_ms: period.endMs - period.startMs,
    reliable_from: formatTime(reliableFromMs),
    totals: totals === null ? null : showAmounts(totals),
    limits: limits.map(({ exhaustedAtMs, ...limit }) => ({
      ...limit,
      exhausted_at: formatTimeOrNull(exhaustedAtMs),
    })),
  };
}

async function projectionFor(
  store: MeteringStore,
  report: UsageReport,
  { customerId, keyId, period }: UsageAsker,
): Promise<z.input<typeof projectionSchema>> {
  const statuses = customerId === null ? [] : await store.ledger.limits(customerId, keyId);
  return showProjection(
    projectPeriod(period, { nowMs: report.asOfMs, used: report.totals, statuses }),
  );
}

type ShownAsker = UsageAsker & {
  /** How the answer names the customer. */
  readonly shownCustomer: string | null;
};

/**
 * Asks the store and shows the answer as customers see it.
 *
 * @throws GatewayError `invalid_request` naming the member at fault
 */
export function answerUsage(
  store: MeteringStore,
  question: UsageQuestion,
  asker: ShownAsker,
): Promise<ShownUsageReport> {
  return answerWith(NOTHING_MORE, { store, question, asker });
}

/**
 * The same for the operator, with what providers charge.
 *
 * @throws GatewayError `invalid_request` naming the member at fault
 */
export function answerOperatorUsage(
  store: MeteringStore,
  question: UsageQuestion,
  asker: ShownAsker,
): Promise<ShownOperatorUsage> {
  return answerWith(showProviderCost, { store, question, asker });
}

const NOTHING_MORE = (): Record<never, string> => ({});

async function answerWith<Costs>(
  costsOf: (amounts: UsageAmounts) => Costs,
  {
    store,
    question,
    asker,
  }: {
    readonly store: MeteringStore;
    readonly question: UsageQuestion;
    readonly asker: ShownAsker;
  },
) {
  const report = await store.reader.usage(usageQueryOf(question, asker));
  const isPeriod = question.from === undefined && question.to === undefined;
  return {
    customer: asker.shownCustomer,
    from: formatTime(report.fromMs),
    to: formatTime(report.toMs),
    totals: showAmounts(report.totals),
    ...costsOf(report.totals),
    held: showAmounts(report.held),
    groups: report.groups.map((group) => ({
      key: { ...group.key },
      totals: showAmounts(group.totals),
      ...costsOf(group.totals),
    })),
    projection: isPeriod ? await projectionFor(store, report, asker) : null,
    as_of: formatTime(report.asOfMs),
  };
}
