/**
 * Windows of limits: which are boxes in time, and where such a box begins and ends.
 *
 * `day`, `week` (from Monday, ISO 8601) and `hour` follow the wall clock of the subscription's zone;
 * `rolling:<n>h` opens with the first use and lasts n hours.
 *
 * @module
 */
import { Temporal } from 'temporal-polyfill';
import { type Span, SpanCache } from './span-cache.ts';

export const HOUR_MS = 3_600_000;

export type CalendarUnit = 'hour' | 'day' | 'week';

/** A window by what it needs: nothing, the subscription's period, the calendar, or the first use. */
export type WindowKind =
  | { readonly kind: 'call' | 'minute' | 'concurrent' | 'period' | 'lifetime' }
  | { readonly kind: 'calendar'; readonly unit: CalendarUnit }
  | { readonly kind: 'rolling'; readonly lengthMs: number };

/** Reads a window that passed `WINDOW_PATTERN`. Null when it did not. */
export function parseWindow(window: string): WindowKind | null {
  switch (window) {
    case 'call':
    case 'minute':
    case 'concurrent':
    case 'period':
    case 'lifetime':
      return { kind: window };
    case 'hour':
    case 'day':
    case 'week':
      return { kind: 'calendar', unit: window };
    default: {
      const hours = /^rolling:([1-9]\d{0,3})h$/.exec(window)?.[1];
      return hours === undefined ? null : { kind: 'rolling', lengthMs: Number(hours) * HOUR_MS };
    }
  }
}

const kept = new SpanCache<Span>(2048);

function startOfUnit(at: Temporal.ZonedDateTime, unit: CalendarUnit): Temporal.ZonedDateTime {
  switch (unit) {
    case 'hour':
      return at.round({ smallestUnit: 'hour', roundingMode: 'floor' });
    case 'day':
      return at.startOfDay();
    case 'week':
      return at
        .toPlainDate()
        .subtract({ days: at.dayOfWeek - 1 })
        .toZonedDateTime(at.timeZoneId);
    default:
      return unit satisfies never;
  }
}

/** Steps that surely leave a box that begins at `start`, smallest first. */
function laterTimes(start: Temporal.ZonedDateTime, unit: CalendarUnit): Temporal.ZonedDateTime[] {
  switch (unit) {
    case 'hour':
      // A clock set back by half an hour (Lord Howe) makes one box of 90 minutes.
      return [start.add({ hours: 1 }), start.add({ hours: 2 })];
    case 'day':
      // A zone that moves across the date line skips a whole day (Apia, 30 December 2011).
      return [start.add({ days: 1 }), start.add({ days: 2 })];
    case 'week':
      return [start.add({ days: 7 }), start.add({ days: 8 })];
    default:
      return unit satisfies never;
  }
}

function computeSpan(unit: CalendarUnit, timezone: string, atMs: number): Span {
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timezone);
  const start = startOfUnit(at, unit);
  for (const later of laterTimes(start, unit)) {
    const endMs = startOfUnit(later, unit).epochMilliseconds;
    if (endMs > atMs) return { startMs: start.epochMilliseconds, endMs };
  }
  throw new RangeError(`no ${unit} of ${timezone} holds ${atMs}`);
}

/** The box of a calendar window that holds `atMs`, in the wall clock of `timezone`. */
export function calendarSpanAt(unit: CalendarUnit, timezone: string, atMs: number): Span {
  const key = `${unit}|${timezone}`;
  return kept.at(key, atMs) ?? kept.keep(key, computeSpan(unit, timezone, atMs));
}

/** The box of a `rolling` window whose first use was at `firstUseMs`. */
export function rollingSpan(lengthMs: number, firstUseMs: number): Span {
  return { startMs: firstUseMs, endMs: firstUseMs + lengthMs };
}
