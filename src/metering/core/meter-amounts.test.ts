import { describe, expect, it } from 'vitest';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import {
  formatMeterAmount,
  meterAmountAsNumber,
  packAmounts,
  parseMeterAmount,
  unpackAmounts,
} from './meter-amounts.ts';

function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isGatewayError(error)) return `${error.code} ${String(error.param)}`;
  }
  return 'none';
}

describe('meter amounts', () => {
  it('are read in the meter’s own unit', () => {
    expect(parseMeterAmount('cost_usd', '50.00', 'x')).toBe(50_000_000_000n);
    expect(parseMeterAmount('cost_usd', '0.000000001', 'x')).toBe(1n);
    expect(parseMeterAmount('video_seconds', '1.5', 'x')).toBe(1_500n);
    expect(parseMeterAmount('requests', 20, 'x')).toBe(20n);
    expect(parseMeterAmount('requests', '20.0', 'x')).toBe(20n);
  });

  it('are refused where finer than the meter counts, too large or no number', () => {
    for (const amount of ['1.5', '9'.repeat(20), 'many', 1.5]) {
      expect(refusalOf(() => parseMeterAmount('requests', amount, 'limits[0].amount'))).toBe(
        'invalid_request limits[0].amount',
      );
    }
  });

  it('are shown as decimal strings', () => {
    expect(formatMeterAmount('cost_usd', 1_230_000n)).toBe('0.001230000');
    expect(formatMeterAmount('images', 12n)).toBe('12');
    expect(formatMeterAmount('video_seconds', 1_500n)).toBe('1.5');
    expect(formatMeterAmount('video_seconds', 2_000n)).toBe('2');
    expect(formatMeterAmount('video_seconds', -5n)).toBe('-0.005');
    expect(meterAmountAsNumber('cost_usd', 49_980_000_000n)).toBe(49.98);
  });

  it('survive JSON', () => {
    const amounts = { requests: 1n, cost_usd: 2n ** 60n };
    expect(unpackAmounts(JSON.parse(JSON.stringify(packAmounts(amounts))))).toEqual(amounts);
    expect(packAmounts({ ...amounts, images: undefined } as never)).toEqual(packAmounts(amounts));
    for (const damaged of [null, 'x', [], undefined, { requests: 1, other: '2' }]) {
      expect(unpackAmounts(damaged)).toEqual({});
    }
  });
});
