import { describe, expect, it } from 'vitest';
import {
  formatAmount,
  formatBytes,
  formatInstant,
  formatMoney,
  formatSpan,
  printable,
} from './format.ts';

describe('format', () => {
  it.each([
    ['0.000041600', '$0.0000416'],
    ['500.000000000', '$500.00'],
    ['1234567.100000000', '$1,234,567.10'],
    ['-0.500000000', '-$0.50'],
    ['1', '$1.00'],
    ['unlimited', 'unlimited'],
  ])('shows %s of money exactly as %s', (decimal, shown) => {
    expect(formatMoney(decimal)).toBe(shown);
  });

  it('shows counts as counts and money as money', () => {
    expect(formatAmount('requests', 1234567)).toBe('1,234,567');
    expect(formatAmount('cost_usd', '2.00')).toBe('$2.00');
    expect(formatAmount('video_seconds', '1.500')).toBe('1.5');
    expect(formatAmount('images', 'disabled')).toBe('disabled');
  });

  it('shows the two largest units of a span', () => {
    expect(formatSpan(29 * 86_400_000 + 4 * 3_600_000 + 59_000)).toBe('29d 4h');
    expect(formatSpan(86_400_000 + 1000)).toBe('1d');
    expect(formatSpan(61_000)).toBe('1m 1s');
    expect(formatSpan(-5)).toBe('0s');
  });

  it('shows bytes and instants', () => {
    expect(formatBytes(999)).toBe('999 bytes');
    expect(formatBytes(1536)).toBe('1.5 kB');
    expect(formatBytes(77 * 1024 ** 3)).toBe('77 GB');
    expect(formatInstant('2026-12-01T10:00:00.123Z')).toBe('2026-12-01 10:00:00');
    expect(formatInstant(null)).toBe('');
  });

  it('drops what would steer a terminal', () => {
    expect(printable('a\u001b[31mred\u0007\nb\tc\u009b2J')).toBe('a[31mred\nb\tc2J');
  });
});
