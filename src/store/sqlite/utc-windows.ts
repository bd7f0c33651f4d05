/**
 * Windows of counters that belong to no one customer: the calendar of UTC, with its months as periods.
 *
 * @module
 */
import type { CalendarWindow, WindowBox } from '../../metering/core/types.ts';
import { calendarSpanAt } from '../../metering/core/windows.ts';

/** The box of a window that holds `atMs`. */
export function utcWindows(window: CalendarWindow, atMs: number): WindowBox {
  if (window !== 'period') {
    const span = calendarSpanAt(window, 'UTC', atMs);
    return { id: String(span.startMs), startMs: span.startMs, endMs: span.endMs };
  }
  const at = new Date(atMs);
  const startMs = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
  const endMs = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1);
  return { id: String(startMs), startMs, endMs };
}
