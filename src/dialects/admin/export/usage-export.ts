/**
 * Usage as a table: one row for each group of each hour, day or month.
 *
 * @module
 */
import { type Meter, METERS } from '../../../contracts/metering.ts';
import { formatMeterAmount } from '../../../metering/core/meter-amounts.ts';
import type {
  MeterAmounts,
  MeteringStore,
  UsageAmounts,
  UsageQuery,
} from '../../../metering/ports.ts';
import { invalidRequest } from '../../validation.ts';
import {
  showProviderCost,
  type UsageAsker,
  type UsageQuestion,
  usageQueryOf,
} from '../usage-question.ts';
import type { ExportRow, ExportTable } from './export-table.ts';

type Bucket = NonNullable<UsageQuery['bucket']>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Each is asked for by itself: bounds how long an export can go on. */
const BUCKETS_MAX = 10_000;

function nextBucket(bucket: Bucket, atMs: number): number {
  switch (bucket) {
    case 'hour':
      return Math.floor(atMs / HOUR_MS) * HOUR_MS + HOUR_MS;
    case 'day':
      return Math.floor(atMs / DAY_MS) * DAY_MS + DAY_MS;
    case 'month': {
      const date = new Date(atMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    }
    default:
      return bucket satisfies never;
  }
}

/** Ends of the pieces that buckets cut a range into. @throws GatewayError `invalid_request` for too many */
function cutsOf({ fromMs, toMs }: UsageQuery, bucket: Bucket): readonly number[] {
  const cuts: number[] = [];
  for (let atMs = fromMs; atMs < toMs;) {
    if (cuts.length >= BUCKETS_MAX) {
      throw invalidRequest(
        'bucket',
        `the range has more than ${BUCKETS_MAX} of them; take a shorter range or a longer bucket.`,
      );
    }
    atMs = Math.min(nextBucket(bucket, atMs), toMs);
    cuts.push(atMs);
  }
  return cuts;
}

function amountText(meter: Meter, amounts: MeterAmounts): string {
  return formatMeterAmount(meter, amounts[meter] ?? 0n);
}

/** Amounts in US dollars that only the operator sees. */
type OwnCosts = (amounts: UsageAmounts) => Readonly<Record<string, string>>;

interface RowParts {
  readonly key: readonly (readonly [string, string])[];
  readonly amounts: UsageAmounts;
  readonly ownCosts: Readonly<Record<string, string>>;
}

function rowOf({ key, amounts, ownCosts }: RowParts): ExportRow {
  return {
    csv: () => [
      ...key.map(([, value]) => value),
      ...METERS.map((meter) => amountText(meter, amounts)),
      ...Object.values(ownCosts),
    ],
    json() {
      const names = key.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
      // Counts are written digit by digit, so that none is too large to be exact.
      const counts = METERS.map((meter) => {
        const text = amountText(meter, amounts);
        return meter === 'cost_usd' ? `"cost_usd":"${text}"` : `"${meter}":${text}`;
      });
      const costs = Object.entries(ownCosts).map(([name, usd]) => `"${name}":"${usd}"`);
      return `{${[...names, ...counts, ...costs].join(',')}}`;
    },
  };
}

async function* pagesOf(
  store: MeteringStore,
  query: UsageQuery & { readonly bucket: Bucket },
  ownCosts: OwnCosts,
): AsyncGenerator<readonly ExportRow[]> {
  let fromMs = query.fromMs;
  for (const toMs of cutsOf(query, query.bucket)) {
    const { groups } = await store.reader.usage({ ...query, fromMs, toMs });
    fromMs = toMs;
    yield groups.map(({ key, totals }) =>
      rowOf({
        key: ['bucket', ...query.groupBy].map((name) => [name, key[name] ?? '']),
        amounts: totals,
        ownCosts: ownCosts(totals),
      }),
    );
  }
}

const NOTHING: OwnCosts = () => ({});

/** The operator's table: as the customer's, and what providers charge. @throws GatewayError `invalid_request` */
export function operatorUsageExport(
  store: MeteringStore,
  question: UsageQuestion,
  asker: UsageAsker,
): ExportTable {
  return tableOf(showProviderCost, { store, question, asker });
}

/**
 * The customer's table of a question; without a bucket, by day.
 *
 * @throws GatewayError `invalid_request` naming the member at fault
 */
export function usageExport(
  store: MeteringStore,
  question: UsageQuestion,
  asker: UsageAsker,
): ExportTable {
  return tableOf(NOTHING, { store, question, asker });
}

function tableOf(
  ownCosts: OwnCosts,
  {
    store,
    question,
    asker,
  }: {
    readonly store: MeteringStore;
    readonly question: UsageQuestion;
    readonly asker: UsageAsker;
  },
): ExportTable {
  const asked = usageQueryOf(question, asker);
  const query = { ...asked, bucket: asked.bucket ?? 'day' } as const;
  const [from, to] = [query.fromMs, query.toMs].map((ms) =>
    new Date(ms).toISOString().slice(0, 10),
  );
  return {
    name: `usage-${from}-${to}`,
    columns: ['bucket', ...query.groupBy, ...METERS, ...Object.keys(ownCosts({}))],
    pages: pagesOf(store, query, ownCosts),
  };
}
