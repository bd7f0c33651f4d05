import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countTokens, splitTokens } from './tokens.ts';

test('cuts words of eight letters, single signs and the white space before them', () => {
  expect(splitTokens('Hello, wonderful  world!')).toEqual([
    'Hello',
    ',',
    ' wonderfu',
    'l',
    '  world',
    '!',
  ]);
  expect(splitTokens('end \n')).toEqual(['end', ' \n']);
  expect(countTokens('')).toBe(0);
});

test('tokens join to the text, are at most its bytes, and any first n of them are n tokens', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, wanted) => {
      const tokens = splitTokens(text);
      expect(tokens.join('')).toBe(text);
      expect(tokens.length).toBeLessThanOrEqual(Buffer.byteLength(text));
      const first = tokens.slice(0, wanted);
      expect(countTokens(first.join(''))).toBe(first.length);
    }),
  );
});
