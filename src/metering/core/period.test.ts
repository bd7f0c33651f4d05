import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkTimezone,
  parseAnchor,
  type PeriodAnchor,
  periodAt,
  periodBoundaryMs,
  periodsFrom,
  wallTimeAt,
} from './period.ts';

const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Asia/Kolkata',
  'America/Sao_Paulo',
];

function boundaries(anchor: PeriodAnchor, count: number): string[] {
  return Array.from({ length: count }, (_, seq) =>
    wallTimeAt(anchor.timezone, periodBoundaryMs(anchor, seq)),
  );
}

function instants(anchor: PeriodAnchor, seq: number): string {
  return new Date(periodBoundaryMs(anchor, seq)).toISOString();
}

describe('period boundaries', () => {
  it('keeps the anchor day across short months', () => {
    const anchor = {
      anchorLocal: '2024-01-31T09:30:00',
      timezone: 'America/New_York',
      months: 1,
    };
    expect(boundaries(anchor, 5)).toEqual([
      '2024-01-31T09:30:00',
      '2024-02-29T09:30:00',
      '2024-03-31T09:30:00',
      '2024-04-30T09:30:00',
      '2024-05-31T09:30:00',
    ]);
  });

  it('brings a yearly leap day back when the year has one', () => {
    const anchor = { anchorLocal: '2024-02-29T00:00:00', timezone: 'UTC', months: 12 };
    expect(boundaries(anchor, 5).map((text) => text.slice(0, 10))).toEqual([
      '2024-02-29',
      '2025-02-28',
      '2026-02-28',
      '2027-02-28',
      '2028-02-29',
    ]);
  });

  it('moves a skipped wall time forward by the gap', () => {
    const anchor = {
      anchorLocal: '2026-02-08T02:30:00',
      timezone: 'America/New_York',
      months: 1,
    };
    expect(boundaries(anchor, 3)[1]).toBe('2026-03-08T03:30:00');
    expect(boundaries(anchor, 3)[2]).toBe('2026-04-08T02:30:00');
  });

  it('takes the first of a repeated wall time', () => {
    const anchor = {
      anchorLocal: '2026-10-01T01:30:00',
      timezone: 'America/New_York',
      months: 1,
    };
    expect(instants(anchor, 1)).toBe('2026-11-01T05:30:00.000Z');
  });

  it('does not give two periods one name: 1 January is followed by 1 February', () => {
    const anchor = { anchorLocal: '2025-01-01T00:00:00', timezone: 'UTC', months: 1 };
    const first = periodAt(anchor, Date.parse('2025-01-31T12:00:00Z'));
    expect(first).toEqual({
      seq: 0,
      startMs: Date.parse('2025-01-01T00:00:00Z'),
      endMs: Date.parse('2025-02-01T00:00:00Z'),
    });
  });
});

describe('periodAt', () => {
  const anchorArbitrary = fc.record({
    day: fc.integer({ min: 1, max: 31 }),
    month: fc.constantFrom(1, 3, 5, 7, 8, 10, 12),
    year: fc.integer({ min: 2009, max: 2030 }),
    minuteOfDay: fc.integer({ min: 0, max: 1439 }),
    timezone: fc.constantFrom(...ZONES),
    months: fc.constantFrom(1, 12),
  });

  it('tiles time: no gap, no overlap, strictly increasing (I10)', () => {
    fc.assert(
      fc.property(anchorArbitrary, fc.integer({ min: -30, max: 40 }), (given, seq) => {
        const two = (value: number): string => String(value).padStart(2, '0');
        const anchor: PeriodAnchor = {
          anchorLocal: `${given.year}-${two(given.month)}-${two(given.day)}T${two(Math.floor(given.minuteOfDay / 60))}:${two(given.minuteOfDay % 60)}:00`,
          timezone: given.timezone,
          months: given.months,
        };
        const startMs = periodBoundaryMs(anchor, seq);
        const endMs = periodBoundaryMs(anchor, seq + 1);
        expect(endMs).toBeGreaterThan(startMs);
        const expected = { seq, startMs, endMs };
        expect(periodAt(anchor, startMs)).toEqual(expected);
        expect(periodAt(anchor, endMs - 1)).toEqual(expected);
        expect(periodAt(anchor, endMs)).toEqual({
          seq: seq + 1,
          startMs: endMs,
          endMs: periodBoundaryMs(anchor, seq + 2),
        });
        expect(periodAt(anchor, startMs - 1).seq).toBe(seq - 1);
      }),
      { numRuns: 400 },
    );
  });

  it('answers the same from memory as afresh, wherever it was asked before', () => {
    const anchor = { anchorLocal: '2026-01-31T00:00:00', timezone: 'UTC', months: 1 };
    const near = periodAt(anchor, Date.parse('2026-02-10T00:00:00Z'));
    periodAt(anchor, Date.parse('2036-02-10T00:00:00Z'));
    expect(periodAt(anchor, Date.parse('2026-02-10T00:00:00Z'))).toEqual(near);
    expect(near.seq).toBe(0);
  });
});

describe('anchors and zones', () => {
  it('writes wall time to the second', () => {
    expect(wallTimeAt('Asia/Kolkata', Date.parse('2026-03-01T00:00:00.999Z'))).toBe(
      '2026-03-01T05:30:00',
    );
  });

  it('brings anchors into one form', () => {
    expect(parseAnchor('2026-01-31', 'anchor')).toBe('2026-01-31T00:00:00');
    expect(parseAnchor('2026-01-31T09:30', 'anchor')).toBe('2026-01-31T09:30:00');
    expect(parseAnchor('2026-01-31T09:30:59.999', 'anchor')).toBe('2026-01-31T09:30:59');
  });

  it('refuses what is no anchor and no zone', () => {
    expect(() => parseAnchor('2026-02-30', 'anchor')).toThrow(/anchor must be/);
    expect(() => {
      checkTimezone('Mars/Olympus', 'timezone');
    }).toThrow(/timezone must be/);
    expect(() => {
      checkTimezone('Pacific/Apia', 'timezone');
    }).not.toThrow();
  });
});

describe('periods that begin to count at a moment', () => {
  const anchor = { anchorLocal: '2026-01-31T09:30:00', timezone: 'Europe/Berlin' };
  const monthly = { ...anchor, months: 1 };
  const HALF_MONTH_MS = 2_629_746_000 / 2;
  const at = (text: string): number => Date.parse(text);

  it('go on with the anchor’s boundaries where the first period is no stub', () => {
    const startMs = at('2026-03-05T00:00:00Z');
    expect(periodsFrom(anchor, { startMs, seq: 9 })).toEqual({
      firstSeq: 8,
      firstStartMs: startMs,
      first: null,
    });
  });

  it('begin at once on a boundary, however short the month', () => {
    const startMs = periodBoundaryMs(monthly, 1);
    expect(periodsFrom(anchor, { startMs, seq: 0 })).toEqual({
      firstSeq: -1,
      firstStartMs: startMs,
      first: null,
    });
  });

  it('let a stub last until the boundary after the next', () => {
    const startMs = at('2026-03-20T00:00:00Z');
    expect(periodsFrom(anchor, { startMs, seq: 4 })).toEqual({
      firstSeq: 2,
      firstStartMs: startMs,
      first: { seq: 4, startMs, endMs: periodBoundaryMs(monthly, 3) },
    });
  });

  it('number on without a gap and are no shorter than half a month', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: at('2025-11-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') }),
        fc.integer({ min: 0, max: 40 }),
        (timezone, startMs, seq) => {
          const zoned = { ...anchor, timezone };
          const { firstSeq, firstStartMs, first } = periodsFrom(zoned, { startMs, seq });
          const own = periodAt({ ...zoned, months: 1 }, startMs);
          const endMs = first?.endMs ?? own.endMs;
          expect(firstStartMs).toBe(startMs);
          expect(endMs - startMs).toBeGreaterThanOrEqual(Math.floor(HALF_MONTH_MS));
          expect(endMs - startMs).toBeLessThan(3 * HALF_MONTH_MS + 5 * 86_400_000);
          // Every later period has the number after the one before it.
          const next = periodAt({ ...zoned, months: 1 }, endMs);
          expect(next.startMs).toBe(endMs);
          expect(firstSeq + next.seq).toBe(seq + 1);
        },
      ),
      { numRuns: 200 },
    );
  });
});
