import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarSpanAt, type CalendarUnit, HOUR_MS, parseWindow, rollingSpan } from './windows.ts';

const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Asia/Kolkata',
  'America/Sao_Paulo',
  'Asia/Beirut',
];
const UNITS: readonly CalendarUnit[] = ['hour', 'day', 'week'];

function isoSpan(unit: CalendarUnit, timezone: string, at: string): string[] {
  const span = calendarSpanAt(unit, timezone, Date.parse(at));
  return [span.startMs, span.endMs].map((ms) => new Date(ms).toISOString().slice(0, 16));
}

describe('parseWindow', () => {
  it('reads every window of the contract', () => {
    for (const window of ['call', 'minute', 'concurrent', 'period', 'lifetime']) {
      expect(parseWindow(window)).toEqual({ kind: window });
    }
    for (const unit of UNITS) expect(parseWindow(unit)).toEqual({ kind: 'calendar', unit });
    expect(parseWindow('rolling:5h')).toEqual({ kind: 'rolling', lengthMs: 5 * HOUR_MS });
    expect(parseWindow('rolling:720h')).toEqual({ kind: 'rolling', lengthMs: 720 * HOUR_MS });
  });

  it('knows no other', () => {
    for (const window of [
      '',
      'month',
      'rolling:0h',
      'rolling:5',
      'rolling:5d',
      'rolling:05h',
      'rolling:5hh',
      'xrolling:5h',
      'rolling:12345h',
    ]) {
      expect(parseWindow(window)).toBeNull();
    }
  });
});

describe('calendar windows', () => {
  it('cuts days and weeks in the zone of the subscription', () => {
    expect(isoSpan('day', 'Asia/Kolkata', '2026-03-01T20:00:00Z')).toEqual([
      '2026-03-01T18:30',
      '2026-03-02T18:30',
    ]);
    expect(isoSpan('week', 'UTC', '2026-11-24T11:00:00Z')).toEqual([
      '2026-11-23T00:00',
      '2026-11-30T00:00',
    ]);
    expect(isoSpan('hour', 'Asia/Kolkata', '2026-03-01T20:00:00Z')).toEqual([
      '2026-03-01T19:30',
      '2026-03-01T20:30',
    ]);
  });

  it('makes days of 23 and 25 hours where the clock changes', () => {
    expect(isoSpan('day', 'Europe/Berlin', '2026-03-29T12:00:00Z')).toEqual([
      '2026-03-28T23:00',
      '2026-03-29T22:00',
    ]);
    expect(isoSpan('day', 'Europe/Berlin', '2026-10-25T12:00:00Z')).toEqual([
      '2026-10-24T22:00',
      '2026-10-25T23:00',
    ]);
  });

  it('begins a day whose midnight is skipped with its first moment', () => {
    expect(isoSpan('day', 'America/Sao_Paulo', '2018-11-04T12:00:00Z')).toEqual([
      '2018-11-04T03:00',
      '2018-11-05T02:00',
    ]);
  });

  it('keeps a repeated hour apart', () => {
    expect(isoSpan('hour', 'America/New_York', '2026-11-01T05:30:00Z')).toEqual([
      '2026-11-01T05:00',
      '2026-11-01T06:00',
    ]);
    expect(isoSpan('hour', 'America/New_York', '2026-11-01T06:30:00Z')).toEqual([
      '2026-11-01T06:00',
      '2026-11-01T07:00',
    ]);
  });

  it('follows clock changes of half an hour', () => {
    expect(isoSpan('hour', 'Australia/Lord_Howe', '2026-10-03T15:40:00Z')).toEqual([
      '2026-10-03T15:30',
      '2026-10-03T16:00',
    ]);
    expect(isoSpan('hour', 'Australia/Lord_Howe', '2026-04-04T15:10:00Z')).toEqual([
      '2026-04-04T14:00',
      '2026-04-04T15:30',
    ]);
  });

  it('leaves out a day that a zone never had', () => {
    expect(isoSpan('day', 'Pacific/Apia', '2011-12-30T09:00:00Z')).toEqual([
      '2011-12-29T10:00',
      '2011-12-30T10:00',
    ]);
    expect(isoSpan('day', 'Pacific/Apia', '2011-12-30T11:00:00Z')).toEqual([
      '2011-12-30T10:00',
      '2011-12-31T10:00',
    ]);
  });

  it('tiles time in every zone (I10)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...UNITS),
        fc.constantFrom(...ZONES),
        fc.integer({ min: Date.parse('2009-01-01'), max: Date.parse('2037-01-01') }),
        (unit, timezone, atMs) => {
          const span = calendarSpanAt(unit, timezone, atMs);
          expect(span.startMs).toBeLessThanOrEqual(atMs);
          expect(span.endMs).toBeGreaterThan(atMs);
          expect(calendarSpanAt(unit, timezone, span.endMs).startMs).toBe(span.endMs);
          expect(calendarSpanAt(unit, timezone, span.startMs - 1).endMs).toBe(span.startMs);
          expect(calendarSpanAt(unit, timezone, span.startMs)).toEqual(span);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('tiles hour by hour across the clock changes of a year', () => {
    for (const timezone of ZONES) {
      const endMs = Date.parse('2026-12-31T00:00:00Z');
      let atMs = calendarSpanAt('hour', timezone, Date.parse('2026-01-01T00:00:00Z')).startMs;
      while (atMs < endMs) {
        const span = calendarSpanAt('hour', timezone, atMs);
        expect(span.startMs).toBe(atMs);
        expect(span.endMs - span.startMs).toBeLessThanOrEqual(1.5 * HOUR_MS);
        atMs = span.endMs;
      }
    }
  });
});

describe('rolling windows', () => {
  it('last their hours from the first use', () => {
    expect(rollingSpan(5 * HOUR_MS, 1000)).toEqual({ startMs: 1000, endMs: 18_001_000 });
  });
});
