/**
 * Amounts of meters in whole base units: nano-USD for `cost_usd`, milliseconds for meters in seconds, pieces for the rest.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import { METERS, type Meter } from '../../contracts/metering.ts';
import { formatUsd } from '../../contracts/money.ts';
import type { MeterAmounts } from '../ports.ts';
import type { JsonValue } from './types.ts';

/** Stands for "no bound" where a number is needed; two of them still fit an int64. */
export const UNBOUNDED = 2n ** 62n;

const MAX_AMOUNT = 2n ** 60n;

function decimalsOf(meter: Meter): number {
  if (meter === 'cost_usd') return 9;
  return meter.endsWith('_seconds') ? 3 : 0;
}

/**
 * Reads a limit's amount: a positive whole number or decimal string in the meter's own unit (USD, seconds, pieces).
 *
 * @throws GatewayError `invalid_request` naming `param` when it is finer than the meter counts, or beyond int64
 */
export function parseMeterAmount(meter: Meter, amount: number | string, param: string): bigint {
  const decimals = decimalsOf(meter);
  const [whole = '', fraction = ''] = String(amount).split('.');
  const digits = fraction.replace(/0+$/, '');
  if (!/^\d+$/.test(whole) || !/^\d*$/.test(digits) || digits.length > decimals) {
    throw new GatewayError('invalid_request', {
      message: `${param} must be a number with at most ${decimals} decimal places for ${meter}.`,
      param,
    });
  }
  const units = BigInt(whole) * 10n ** BigInt(decimals) + BigInt(digits.padEnd(decimals, '0') || 0);
  if (units > MAX_AMOUNT) {
    throw new GatewayError('invalid_request', {
      message: `${param} is too large; say "unlimited".`,
      param,
    });
  }
  return units;
}

/** Decimal string as replies show it: nine places for cost, seconds with their fraction, whole numbers otherwise. */
export function formatMeterAmount(meter: Meter, units: bigint): string {
  const decimals = decimalsOf(meter);
  if (decimals === 9) return formatUsd(units);
  if (decimals === 0) return units.toString();
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(4, '0');
  const fraction = digits.slice(-3).replace(/0+$/, '');
  return `${negative ? '-' : ''}${digits.slice(0, -3)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** JSON number in the meter's own unit, for members that the original had as numbers. */
export function meterAmountAsNumber(meter: Meter, units: bigint): number {
  return Number(formatMeterAmount(meter, units));
}

const METER_PLACES: ReadonlyMap<string, number> = new Map(
  METERS.map((meter, place) => [meter, place]),
);

/** A whole number as JSON has it: beyond 2^53 as decimal text. */
export function packAmount(amount: bigint): number | string {
  if (amount === 0n) return 0;
  const number = Number(amount);
  return Number.isSafeInteger(number) ? number : amount.toString();
}

/** Reads what {@link packAmount} wrote. @throws Error for anything else */
export function unpackAmount(packed: JsonValue | undefined): bigint {
  if (typeof packed === 'number' || typeof packed === 'string') return BigInt(packed);
  throw new Error('the journal has no amount where one is due');
}

/** JSON-safe form: `[place of the meter in METERS, amount, …]`. */
export function packAmounts(amounts: MeterAmounts): (number | string)[] {
  const packed: (number | string)[] = [];
  for (const meter in amounts) {
    const amount = amounts[meter as Meter];
    const place = METER_PLACES.get(meter);
    if (amount !== undefined && place !== undefined) packed.push(place, packAmount(amount));
  }
  return packed;
}

/**
 * Reads what `packAmounts` wrote, or what version 1 of the schema did: amounts as decimal text by the meter's name. What
 * is no meter is left out.
 */
export function unpackAmounts(packed: JsonValue | undefined): MeterAmounts {
  const amounts: Partial<Record<Meter, bigint>> = {};
  if (typeof packed !== 'object' || packed === null) return amounts;
  if (isList(packed)) {
    for (let at = 0; at + 1 < packed.length; at += 2) {
      const meter = METERS[Number(packed[at])];
      if (meter !== undefined) amounts[meter] = unpackAmount(packed[at + 1]);
    }
    return amounts;
  }
  for (const meter of METERS) {
    const text = packed[meter];
    if (typeof text === 'string') amounts[meter] = BigInt(text);
  }
  return amounts;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Amounts as decimal text by the meter's name, for those who read. */
export function namedAmounts(amounts: MeterAmounts): Record<string, string> {
  const named: Record<string, string> = {};
  for (const meter of METERS) {
    const amount = amounts[meter];
    if (amount !== undefined) named[meter] = amount.toString();
  }
  return named;
}
