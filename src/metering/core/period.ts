/**
 * Billing periods: boundary n lies n × k months after the ORIGINAL anchor, never after the previous boundary,
 * so 31 January yields 29 February and then 31 March again.
 *
 * Temporal is slow; every result is kept, and callers keep the current period beside the subscription, so
 * that it runs only where a period begins.
 *
 * @module
 */
import { Temporal } from 'temporal-polyfill';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { type Span, SpanCache } from './span-cache.ts';

/** What fixes every boundary of a subscription. */
export interface PeriodAnchor {
  /** Wall-clock time of boundary 0 in `timezone`, `YYYY-MM-DDTHH:mm:ss`. */
  readonly anchorLocal: string;
  /** IANA zone. */
  readonly timezone: string;
  /** Length of a period: 1 for a month, 12 for a year. */
  readonly months: number;
}

/** One period; `seq` counts from 0 at the anchor and is negative before it. */
export interface PeriodSpan extends Span {
  readonly seq: number;
}

/** Months of a cadence. */
export const CADENCE_MONTHS = { month: 1, year: 12 } as const;

const MEAN_MONTH_MS = 2_629_746_000;

const kept = new SpanCache<PeriodSpan>(4096);

/**
 * Start of period `seq`, in milliseconds since the epoch.
 *
 * A day that the month does not have becomes its last day; a wall time that a clock change skips moves
 * forward by the gap, and the first of two is taken where a clock change repeats it.
 */
export function periodBoundaryMs(anchor: PeriodAnchor, seq: number): number {
  return Temporal.PlainDateTime.from(anchor.anchorLocal)
    .add({ months: seq * anchor.months }, { overflow: 'constrain' })
    .toZonedDateTime(anchor.timezone, { disambiguation: 'compatible' }).epochMilliseconds;
}

/** The period that holds `atMs`. */
export function periodAt(anchor: PeriodAnchor, atMs: number): PeriodSpan {
  const key = `${anchor.timezone}|${anchor.anchorLocal}|${anchor.months}`;
  const present = kept.at(key, atMs);
  if (present !== null) return present;
  const origin = kept.last(key) ?? { seq: 0, startMs: periodBoundaryMs(anchor, 0) };
  let seq = origin.seq + Math.floor((atMs - origin.startMs) / (MEAN_MONTH_MS * anchor.months));
  let startMs = periodBoundaryMs(anchor, seq);
  while (startMs > atMs) {
    seq -= 1;
    startMs = periodBoundaryMs(anchor, seq);
  }
  let endMs = periodBoundaryMs(anchor, seq + 1);
  while (endMs <= atMs) {
    seq += 1;
    startMs = endMs;
    endMs = periodBoundaryMs(anchor, seq + 1);
  }
  return kept.keep(key, { seq, startMs, endMs });
}

/** Where the periods of an anchor begin to count, as a subscription keeps it. */
export interface PeriodStart {
  /** Sequence number of the period that starts at the anchor. */
  readonly firstSeq: number;
  /** Nothing before this moment belongs to the anchor. */
  readonly firstStartMs: number;
  /** The first period, where it does not end at the anchor's next boundary. */
  readonly first: (Span & { readonly seq: number }) | null;
}

/**
 * Lets the periods of an anchor count from `from.startMs` on, the first of them with the number `from.seq`. Where
 * the anchor's next boundary is less than half a month away, the first period lasts until the one after: no
 * stub of a few days grants a whole month's allowance.
 */
export function periodsFrom(
  anchor: Omit<PeriodAnchor, 'months'>,
  from: { readonly startMs: number; readonly seq: number },
): PeriodStart {
  const monthly = { ...anchor, months: 1 };
  const { startMs, seq } = from;
  const span = periodAt(monthly, startMs);
  if (span.startMs === startMs || span.endMs - startMs >= MEAN_MONTH_MS / 2) {
    return { firstSeq: seq - span.seq, firstStartMs: startMs, first: null };
  }
  const endMs = periodBoundaryMs(monthly, span.seq + 2);
  return {
    firstSeq: seq - span.seq - 1,
    firstStartMs: startMs,
    first: { seq, startMs, endMs },
  };
}

/** Wall-clock time of an instant in a zone, `YYYY-MM-DDTHH:mm:ss`: the anchor of what begins then. */
export function wallTimeAt(timezone: string, atMs: number): string {
  return Temporal.Instant.fromEpochMilliseconds(atMs)
    .toZonedDateTimeISO(timezone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'second', roundingMode: 'floor' });
}

/**
 * Refuses names that are not IANA time zones.
 *
 * @throws GatewayError `invalid_request` naming `param`
 */
export function checkTimezone(timezone: string, param: string): void {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timezone);
  } catch (cause) {
    throw new GatewayError('invalid_request', {
      message: `${param} must be an IANA time zone such as "Europe/Berlin".`,
      param,
      cause,
    });
  }
}

/**
 * Reads a wall-clock anchor and gives it in the one form that is stored, `YYYY-MM-DDTHH:mm:ss`.
 *
 * @throws GatewayError `invalid_request` naming `param`
 */
export function parseAnchor(text: string, param: string): string {
  try {
    return Temporal.PlainDateTime.from(text, { overflow: 'reject' }).toString({
      smallestUnit: 'second',
      roundingMode: 'floor',
    });
  } catch (cause) {
    throw new GatewayError('invalid_request', {
      message: `${param} must be a local date and time such as "2026-01-31T09:30:00".`,
      param,
      cause,
    });
  }
}
