import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  drainMs,
  freeUnits,
  type GcraState,
  refundUnits,
  rescaleCell,
  restingCell,
  takeUnits,
  waitMs,
} from './gcra.ts';

const NOW_MS = Date.UTC(2026, 10, 15);
const limits = fc.bigInt({ min: 1n, max: 10n ** 12n });

function admitted(
  cell: GcraState,
  tries: number,
  nowMs: number,
): { count: number; cell: GcraState } {
  let count = 0;
  let state = cell;
  for (let index = 0; index < tries; index += 1) {
    if (freeUnits(state, nowMs) < 1n) continue;
    state = takeUnits(state, 1n, nowMs);
    count += 1;
  }
  return { count, cell: state };
}

describe('rate cells', () => {
  it('admit exactly N of M calls of one moment, whatever N', () => {
    for (let limit = 1; limit <= 200; limit += 1) {
      const { count } = admitted(restingCell(BigInt(limit)), 250, NOW_MS);
      expect(count).toBe(limit);
    }
  });

  it('state the exact wait: enough at its end, too little a millisecond before', () => {
    fc.assert(
      fc.property(
        limits,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 90_000 }),
        (limit, share, laterMs) => {
          const units = 1n + BigInt(Math.floor(share * Number(limit - 1n)));
          const full = takeUnits(restingCell(limit), limit, NOW_MS);
          const nowMs = NOW_MS + laterMs;
          const wait = waitMs(full, units, nowMs);
          expect(freeUnits(full, nowMs + wait) >= units).toBe(true);
          if (wait > 0) expect(freeUnits(full, nowMs + wait - 1) < units).toBe(true);
        },
      ),
    );
  });

  it('give a refund back exactly and never more than the burst', () => {
    fc.assert(
      fc.property(limits, limits, (limit, other) => {
        const units = other < limit ? other : limit;
        const before = takeUnits(restingCell(limit), limit - units, NOW_MS);
        const after = refundUnits(takeUnits(before, units, NOW_MS), units, NOW_MS);
        expect(freeUnits(after, NOW_MS)).toBe(freeUnits(before, NOW_MS));
        expect(freeUnits(refundUnits(after, limit * 5n, NOW_MS), NOW_MS)).toBe(limit);
      }),
    );
  });

  it('remember a charge beyond the burst until it has drained', () => {
    const over = takeUnits(restingCell(60n), 90n, NOW_MS);
    expect(freeUnits(over, NOW_MS)).toBe(0n);
    expect(freeUnits(over, NOW_MS + 30_000)).toBe(0n);
    expect(freeUnits(over, NOW_MS + 31_000)).toBe(1n);
    expect(drainMs(over, NOW_MS)).toBe(90_000);
    expect(waitMs(over, 1n, NOW_MS)).toBe(31_000);
  });

  it('do not drift: a limit that does not divide the minute admits itself in every minute', () => {
    let cell = restingCell(7n);
    let total = 0;
    for (let minute = 0; minute < 500; minute += 1) {
      const round = admitted(cell, 20, NOW_MS + minute * 60_000);
      cell = round.cell;
      total += round.count;
    }
    expect(total).toBe(7 * 500);
  });

  it('neither drain nor fill while the clock is set back', () => {
    const half = takeUnits(restingCell(60n), 30n, NOW_MS);
    const earlierMs = NOW_MS - 3_600_000;
    expect(freeUnits(half, earlierMs)).toBe(30n);
    expect(freeUnits(takeUnits(half, 10n, earlierMs), NOW_MS)).toBe(20n);
    expect(freeUnits(refundUnits(half, 90n, earlierMs), earlierMs)).toBe(60n);
  });

  it('keep their backlog in time under another limit', () => {
    const full = takeUnits(restingCell(60n), 60n, NOW_MS);
    const wider = rescaleCell(full, 600n);
    expect(drainMs(wider, NOW_MS)).toBe(60_000);
    expect(freeUnits(wider, NOW_MS + 6_000)).toBe(60n);
  });
});
