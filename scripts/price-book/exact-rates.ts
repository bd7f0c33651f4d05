/**
 * Prices as decimals to whole nano-USD per 1,000,000 units, without float arithmetic.
 *
 * @module
 */

export interface ExactRate {
  /** Nano-USD per 1,000,000 units. */
  readonly rate: number;
  /** True when the decimal has no whole nano-USD and was rounded up. */
  readonly roundedUp: boolean;
}

/** US dollars per `per` units as a decimal (a number counts as its shortest representation). */
export function exactRate(usd: number | string, per: number): ExactRate {
  const text = String(usd).toLowerCase();
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text);
  if (match === null) throw new Error(`${text} is not a price`);
  const [, whole = '0', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText) - fraction.length;
  // usd × 1e9 nano × (1e6 / per), as digits × 10^shift
  let scaled = BigInt(whole + fraction) * 1_000_000n;
  const shift = exponent + 9;
  let divisor = BigInt(per);
  if (shift >= 0) scaled *= 10n ** BigInt(shift);
  else divisor *= 10n ** BigInt(-shift);
  const quotient = (scaled + divisor - 1n) / divisor;
  const rate = Number(quotient);
  if (!Number.isSafeInteger(rate)) throw new Error(`${text} is out of range`);
  return { rate, roundedUp: scaled % divisor !== 0n };
}
