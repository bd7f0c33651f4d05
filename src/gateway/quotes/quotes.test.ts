import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valuesBelow } from './advice.ts';
import { freeze, thaw } from './frozen.ts';
import { QuoteTokens } from './quote-token.ts';

describe('the token of a quote', () => {
  const claims = {
    customerId: 'cus_1',
    quoteId: 'qt_1',
    priceBookId: 'pb_1',
    expiresAtMs: 1_800_000_000_000,
  };
  const tokens = new QuoteTokens('a secret of this gateway');

  it('says what was signed, fits a header, and is the same each time', () => {
    const token = tokens.sign(claims);
    expect(token).toMatch(/^qh_[\w-]+\.[\w-]+$/);
    expect(tokens.sign(claims)).toBe(token);
    expect(tokens.read(token)).toEqual(claims);
  });

  it('is worth nothing when any of its characters is another, or another gateway signed it', () => {
    const token = tokens.sign(claims);
    expect(new QuoteTokens('another secret').read(token)).toBeNull();
    fc.assert(
      fc.property(
        fc.nat({ max: token.length - 1 }),
        fc.constantFrom('A', 'z', '.', '!'),
        (at, character) => {
          const forged = token.slice(0, at) + character + token.slice(at + 1);
          const read = tokens.read(forged);
          // The last character of base64 has bits that say nothing.
          if (read !== null) expect(read).toEqual(claims);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
    for (const text of ['', 'qh_', 'qh_.', 'qh_e30.', 'x'.repeat(600)]) {
      expect(tokens.read(text)).toBeNull();
    }
  });
});

it('frozen data comes back as it was', () => {
  const value = {
    amount: 2n ** 62n,
    set: new Set(['a', 'b']),
    map: new Map([['k', { n: 1n, list: [null, 0.5, 'x'] }]]),
  };
  expect(thaw(freeze(value))).toEqual(value);
});

describe('values to reduce to', () => {
  it('are all below, or evenly spaced, largest first', () => {
    expect(valuesBelow(4)).toEqual([3, 2, 1]);
    expect(valuesBelow(1)).toEqual([]);
    expect(valuesBelow(2.5)).toEqual([2, 1]);
    const many = valuesBelow(100_000);
    expect(many.length).toBeLessThanOrEqual(32);
    expect(many).toEqual(many.toSorted((one, other) => other - one));
    expect(many[0]).toBeLessThan(100_000);
  });
});
