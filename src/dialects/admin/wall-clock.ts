/**
 * Anchors of billing periods: wall-clock times in the zone of a subscription.
 *
 * @module
 */
import { invalidRequest } from '../validation.ts';
import { isCalendarDay, parseInstant } from './shapes.ts';

/** @throws GatewayError `invalid_request` when the runtime knows no such IANA zone */
export function assertTimeZone(zone: string, param: string): void {
  try {
    Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    throw invalidRequest(param, 'must be an IANA time zone such as "Europe/Berlin".');
  }
}

const LOCAL_PATTERN = /^(\d{4}-\d{2}-\d{2})(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?)?$/;

/** `YYYY-MM-DDTHH:mm:ss` of an instant on the clocks of a zone. */
function wallClockOf(instantMs: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(instantMs);
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}`;
}

/**
 * Reads an anchor: a date or a local time in `zone`, or an instant with its offset, which is turned into the
 * zone's wall clock.
 *
 * @throws GatewayError `invalid_request` naming `param`
 */
export function parseAnchor(text: string, zone: string, param: string): string {
  const local = LOCAL_PATTERN.exec(text);
  if (local === null) {
    if (/[zZ]$|[+-]\d{2}:\d{2}$/.test(text)) return wallClockOf(parseInstant(text, param), zone);
  } else {
    const [, date = '', hour = '00', minute = '00', second = '00'] = local;
    if (isCalendarDay(date)) return `${date}T${hour}:${minute}:${second}`;
  }
  throw invalidRequest(
    param,
    'must be a local time such as "2026-12-01T00:00:00" in the zone of the subscription, or a time with its offset.',
  );
}
