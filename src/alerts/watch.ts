/**
 * What is judged once an hour: forecasts of periods, unusual spend, whether the ledger is sound; and what is old is
 * dropped. Every alert is keyed by what it tells, so that judging again tells nothing twice.
 *
 * @module
 */
import { formatUsd } from '../contracts/money.ts';
import type { Alerting, PeriodUse, SpendHistory } from '../metering/alerts-port.ts';
import { limitStanding } from '../metering/limit-standing.ts';
import { formatMeterAmount } from '../metering/core/meter-amounts.ts';
import type { VerifyReport } from '../metering/ports.ts';
import { anomalyOf, type AnomalyRule } from './rules/anomaly.ts';
import { forecastOf } from './rules/forecast.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Hours that an hour is compared with. */
const USUAL_MS = 7 * DAY_MS;
const KEPT_DELIVERIES_MS = 30 * DAY_MS;
const KEPT_ALERTS_MS = 400 * DAY_MS;
const MISMATCHES_SHOWN = 5;
const MISMATCH_KEY = 'ledger_mismatch';

export interface WatchParts {
  readonly alerts: Alerting['alerts'];
  readonly verify: () => Promise<VerifyReport>;
  readonly anomaly: AnomalyRule;
}

function forecastKey({ ownerId, limitId, windowId }: PeriodUse): string {
  return `forecast:${ownerId}|${limitId}|${windowId}`;
}

/** Raises a forecast for each limit that will not last, and ends those of limits that now will. */
export async function watchForecasts({ alerts }: WatchParts, nowMs: number): Promise<void> {
  const standing = await alerts.standing('forecast', nowMs);
  const keys = new Set(standing.map(({ key }) => key));
  for (const use of await alerts.periodUse(nowMs)) {
    const key = forecastKey(use);
    const projected = forecastOf(use, nowMs);
    if (projected !== null && !keys.has(key)) {
      await alerts.raise({
        kind: 'forecast',
        severity: 'warning',
        customerId: use.customerId,
        key,
        atMs: nowMs,
        endsAtMs: use.endMs,
        data: { ...limitStanding(use), projected: formatMeterAmount(use.meter, projected) },
      });
    } else if (projected === null && keys.has(key) && use.used < use.limit) {
      // One that came true has not recovered.
      const { customerId } = use;
      const now = limitStanding(use);
      await alerts.recover({ customerId, keys: [key], standing: now, thresholds: [], atMs: nowMs });
    }
  }
}

function judgeHour(
  rule: AnomalyRule,
  { hours }: SpendHistory,
  lastHourMs: number,
): { readonly spent: bigint; readonly found: NonNullable<ReturnType<typeof anomalyOf>> } | null {
  const spent = hours.find(({ startMs }) => startMs === lastHourMs)?.nanoUsd ?? 0n;
  const before = hours.filter(({ startMs }) => startMs < lastHourMs).map(({ nanoUsd }) => nanoUsd);
  const found = anomalyOf(rule, spent, before);
  return found === null ? null : { spent, found };
}

/** Compares each customer's last whole hour with the week before; tells at most once a customer and UTC day. */
export async function watchSpend({ alerts, anomaly }: WatchParts, nowMs: number): Promise<void> {
  const lastHourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - HOUR_MS;
  const { minimumNanoUsd } = anomaly;
  const range = { fromMs: lastHourMs - USUAL_MS, lastHourMs, minimumNanoUsd };
  for (const history of await alerts.spendHistory(range)) {
    const judged = judgeHour(anomaly, history, lastHourMs);
    if (judged === null) continue;
    const { customerId } = history;
    await alerts.raise({
      kind: 'anomaly',
      severity: 'warning',
      customerId,
      key: `anomaly:${customerId}:${Math.floor(lastHourMs / DAY_MS)}`,
      atMs: nowMs,
      endsAtMs: nowMs + DAY_MS,
      data: {
        hour: new Date(lastHourMs).toISOString(),
        spent_usd: formatUsd(judged.spent),
        usual_usd: formatUsd(judged.found.usualNanoUsd),
        hours: judged.found.hours,
      },
    });
  }
}

/** Has the counters rebuilt from the ledger; one alert stands until they agree again. */
export async function watchLedger({ alerts, verify }: WatchParts, nowMs: number): Promise<void> {
  const { ok, mismatches } = await verify();
  if (ok) {
    const recovery = { customerId: null, standing: null, thresholds: [], atMs: nowMs };
    const standing = await alerts.standing('ledger_mismatch', nowMs);
    if (standing.length > 0) await alerts.recover({ ...recovery, keys: [MISMATCH_KEY] });
    return;
  }
  await alerts.raise({
    kind: 'ledger_mismatch',
    severity: 'critical',
    customerId: null,
    key: MISMATCH_KEY,
    atMs: nowMs,
    endsAtMs: null,
    data: { mismatches: mismatches.length, first: mismatches.slice(0, MISMATCHES_SHOWN) },
  });
}

/** Drops deliveries older than 30 days and closed alerts older than 400. */
export async function dropOld({ alerts }: WatchParts, nowMs: number): Promise<void> {
  await alerts.prune({
    deliveriesMs: nowMs - KEPT_DELIVERIES_MS,
    alertsMs: nowMs - KEPT_ALERTS_MS,
  });
}
