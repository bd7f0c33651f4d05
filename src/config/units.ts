/**
 * Durations and sizes as people write them: `30s`, `32mb`.
 *
 * @module
 */

const DURATION_PATTERN = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const SIZE_PATTERN = /^(\d{1,12}(?:\.\d{1,3})?)(b|kb|mb|gb)$/;
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
};

function measure(
  text: string,
  pattern: RegExp,
  factors: Readonly<Record<string, number>>,
): number | null {
  const match = pattern.exec(text.toLowerCase());
  if (match === null) return null;
  const [, count = '', unit = ''] = match;
  const whole = Math.round(Number(count) * (factors[unit] ?? Number.NaN));
  return Number.isSafeInteger(whole) ? whole : null;
}

/** Milliseconds of `250ms`, `30s`, `1.5m`, `2h` or `1d`; null for anything else. */
export function parseDurationMs(text: string): number | null {
  return measure(text, DURATION_PATTERN, MS_PER_UNIT);
}

/** Bytes of `512b`, `64kb`, `32mb` or `1gb` (powers of 1024, in either case); null for anything else. */
export function parseSizeBytes(text: string): number | null {
  return measure(text, SIZE_PATTERN, BYTES_PER_UNIT);
}

function format(
  amount: number,
  factors: Readonly<Record<string, number>>,
  smallest: string,
): string {
  let best = `${amount}${smallest}`;
  for (const [unit, factor] of Object.entries(factors)) {
    if (amount > 0 && amount % factor === 0) best = `${amount / factor}${unit}`;
  }
  return best;
}

/** The shortest exact form, e.g. `90s` for 90,000. */
export function formatDuration(milliseconds: number): string {
  return format(milliseconds, MS_PER_UNIT, 'ms');
}

/** The shortest exact form, e.g. `32mb` for 33,554,432. */
export function formatSize(bytes: number): string {
  return format(bytes, BYTES_PER_UNIT, 'b');
}
