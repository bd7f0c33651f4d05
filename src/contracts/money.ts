/**
 * Money is an integer count of nano-USD (1e-9 US dollar) and never a float.
 *
 * @module
 */
import { GatewayError } from './gateway-error.ts';

/** Nano-USD: one billionth of a US dollar. */
export type NanoUsd = bigint & { readonly __unit?: 'nanoUsd' };

/** Nano-USD per 1,000,000 counted units (tokens, characters, milliseconds …). */
export type NanoUsdPerMillion = bigint & { readonly __unit?: 'nanoUsdPerMillion' };

/** Nano-USD in one US dollar. */
export const NANO_PER_USD = 1_000_000_000n;

const USD_PATTERN = /^(-?)(\d{1,10})(?:\.(\d{1,9}))?$/;

/** Formats nano-USD as a decimal string with nine places, e.g. `0.001230000`. */
export function formatUsd(amount: NanoUsd): string {
  const negative = amount < 0n;
  const digits = (negative ? 0n - amount : amount).toString().padStart(10, '0');
  const split = digits.length - 9;
  return `${negative ? '-' : ''}${digits.slice(0, split)}.${digits.slice(split)}`;
}

/**
 * Parses a decimal string of US dollars with at most nine places.
 *
 * @throws GatewayError `invalid_request` naming `param` when the text is not such a number
 */
export function parseUsd(text: string, param: string): NanoUsd {
  const match = USD_PATTERN.exec(text);
  if (match === null) {
    throw new GatewayError('invalid_request', {
      message: `${param} must be a decimal string of US dollars with at most nine decimal places, such as "2.50".`,
      param,
    });
  }
  const [, sign, whole = '0', fraction = ''] = match;
  const nano = BigInt(whole) * NANO_PER_USD + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? 0n - nano : nano;
}
