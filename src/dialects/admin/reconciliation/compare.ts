/**
 * Holds the lines of an invoice against what was booked.
 *
 * @module
 */
import type { CountedUnit } from '../../../contracts/usage.ts';
import { mergeBooked, type BookedLine } from '../../../metering/reconciliation-port.ts';
import { INVOICE_UNITS, type InvoiceLine } from './invoice-row.ts';

export const LINE_STATUSES = ['matched', 'differs', 'ours_only', 'theirs_only'] as const;
export type LineStatus = (typeof LINE_STATUSES)[number];

export interface ComparedUnit {
  readonly unit: CountedUnit;
  readonly ours: number;
  readonly theirs: number;
}

/** One model of one provider on one day, both sides. */
export interface ComparedLine {
  readonly provider: string;
  readonly model: string;
  readonly date: string;
  readonly status: LineStatus;
  /** Billed attempts of ours. */
  readonly attempts: number;
  /** Attempts of which we do not know whether they were billed. */
  readonly unknown: number;
  /** Units that the invoice names; all of ours where it lacks the line. */
  readonly units: readonly ComparedUnit[];
  readonly oursNanoUsd: bigint;
  /** Null where the invoice states no cost. */
  readonly theirsNanoUsd: bigint | null;
}

const FEMTO_PER_NANO = 1_000_000n;

/** Rounded half away from zero, once for each line. */
function nanoOf(femto: bigint): bigint {
  const half = FEMTO_PER_NANO / 2n;
  return femto < 0n ? 0n - (half - femto) / FEMTO_PER_NANO : (femto + half) / FEMTO_PER_NANO;
}

function countedOf(booked: BookedLine | null, unit: CountedUnit): number {
  if (booked === null) return 0;
  return unit === 'requests' ? booked.attempts : (booked.usage[unit] ?? 0);
}

/**
 * Equal, but for our rounding: each attempt is booked rounded up to a whole nano-dollar, so a day of ours may be up to
 * one nano-dollar an attempt above the provider's sum.
 */
function isSameCost(ours: bigint, theirs: bigint | null, attempts: number): boolean {
  if (theirs === null) return true;
  return ours - theirs >= 0n && ours - theirs <= BigInt(attempts);
}

function comparedOf(invoice: InvoiceLine, booked: BookedLine | null): ComparedLine {
  const units = INVOICE_UNITS.flatMap((unit): ComparedUnit[] => {
    const theirs = invoice.units[unit];
    return theirs === undefined ? [] : [{ unit, ours: countedOf(booked, unit), theirs }];
  });
  const oursNanoUsd = booked?.costNanoUsd ?? 0n;
  const theirsNanoUsd = invoice.femtoUsd === null ? null : nanoOf(invoice.femtoUsd);
  const attempts = booked?.attempts ?? 0;
  const isEqual =
    units.every(({ ours, theirs }) => ours === theirs) &&
    isSameCost(oursNanoUsd, theirsNanoUsd, attempts);
  const found = isEqual ? 'matched' : 'differs';
  return {
    provider: invoice.provider,
    model: invoice.model,
    date: invoice.date,
    status: booked === null ? 'theirs_only' : found,
    attempts,
    unknown: booked?.unknown ?? 0,
    units,
    oursNanoUsd,
    theirsNanoUsd,
  };
}

function oursOnly(booked: BookedLine, date: string): ComparedLine {
  return {
    provider: booked.provider,
    model: booked.model,
    date,
    status: 'ours_only',
    attempts: booked.attempts,
    unknown: booked.unknown,
    units: INVOICE_UNITS.flatMap((unit) => {
      const ours = countedOf(booked, unit);
      return ours === 0 ? [] : [{ unit, ours, theirs: 0 }];
    }),
    oursNanoUsd: booked.costNanoUsd,
    theirsNanoUsd: null,
  };
}

function keyOf(line: {
  readonly provider: string;
  readonly model: string;
  readonly date: string;
}): string {
  return JSON.stringify([line.date, line.provider, line.model]);
}

/** Lines of both sides, sorted by day, provider and model. `modelOf` gives a model the name it is compared by. */
export function compareInvoice(
  invoice: readonly InvoiceLine[],
  booked: readonly BookedLine[],
  modelOf: (provider: string, model: string) => string,
): readonly ComparedLine[] {
  const named = booked.map((line) => ({ ...line, model: modelOf(line.provider, line.model) }));
  const ours = new Map(
    mergeBooked(named).map((line) => {
      const date = new Date(line.dayMs).toISOString().slice(0, 10);
      return [keyOf({ ...line, date }), { line, date }];
    }),
  );
  const compared = invoice.map((line) => comparedOf(line, ours.get(keyOf(line))?.line ?? null));
  const invoiced = new Set(invoice.map(keyOf));
  const missing = [...ours].flatMap(([key, { line, date }]) =>
    invoiced.has(key) ? [] : [oursOnly(line, date)],
  );
  return [...compared, ...missing].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}
