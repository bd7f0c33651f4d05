/**
 * Values as people read them.
 *
 * @module
 */

/** `0.000041600` → `$0.0000416`, `500.000000000` → `$500.00`: exact, without zeros that say nothing. */
export function formatMoney(decimal: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal);
  if (match === null) return decimal;
  const [, sign = '', whole = '', fraction = ''] = match;
  const digits = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `${sign}$${groupDigits(whole)}.${digits}`;
}

function groupDigits(whole: string): string {
  return whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1234567` → `1,234,567`; fractions are kept. */
export function formatCount(count: number | string): string {
  const [whole = '', fraction] = String(count).split('.');
  const digits = fraction?.replace(/0+$/, '') ?? '';
  return digits === '' ? groupDigits(whole) : `${groupDigits(whole)}.${digits}`;
}

/** An amount of a meter: money as money, counts as counts. */
export function formatAmount(meter: string, amount: number | string): string {
  if (!/^-?\d+(\.\d+)?$/.test(String(amount))) return String(amount);
  return meter.endsWith('_usd') ? formatMoney(String(amount)) : formatCount(amount);
}

/** RFC 3339 → `2026-12-01 00:00:00`, in UTC as the gateway answers; empty for null. */
export function formatInstant(instant: string | null | undefined): string {
  if (instant === null || instant === undefined) return '';
  return instant.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The two largest units of a span: `29d 4h`, `45s`; `0s` for what is past. */
export function formatSpan(spanMs: number): string {
  let rest = Math.max(0, spanMs);
  const parts: string[] = [];
  for (const [unit, lengthMs] of UNITS) {
    const count = Math.floor(rest / lengthMs);
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    rest -= count * lengthMs;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? '0s' : parts.join(' ');
}

/** Bytes in powers of 1024, as `1.5 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit] ?? ''}`;
}

/** A key that may be shown: its first and last four characters. */
export function maskKey(key: string): string {
  return `${key.slice(0, 4)}…${key.slice(-4)}`;
}

/** Text of others, fit for a terminal: control characters that would move the cursor or change colours are dropped. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the controls are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
