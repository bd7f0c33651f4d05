/** Nano-USD of a decimal text, read without the gateway's code. */
export function nanoOf(usd: string): bigint {
  const [, sign, whole = '0', fraction = ''] = /^(-?)(\d+)\.?(\d*)$/.exec(usd) ?? [];
  const size = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
  return sign === '-' ? -size : size;
}
