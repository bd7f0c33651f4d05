import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from './glob.ts';

/** The plain definition, exponential and obvious. */
function slowMatch(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) {
    for (let at = 0; at <= text.length; at += 1) {
      if (slowMatch(pattern.slice(1), text.slice(at))) return true;
    }
    return false;
  }
  return text[0] === pattern[0] && text !== '' && slowMatch(pattern.slice(1), text.slice(1));
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 });
const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 7 });

describe('globs', () => {
  it('agree with their plain definition', () => {
    fc.assert(
      fc.property(patterns, letters, (pattern, text) => {
        expect(compileGlob(pattern)(text)).toBe(slowMatch(pattern, text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('let * cross slashes and dots and take nothing else specially', () => {
    expect(compileGlob('huggingface/*')('huggingface/openai/gpt-oss')).toBe(true);
    expect(compileGlob('text.*')('text.generate')).toBe(true);
    expect(compileGlob('text.generate')('textXgenerate')).toBe(false);
    expect(compileGlob('gemini/gemini-2.?')('gemini/gemini-2.5')).toBe(false);
    expect(compileGlob('ab*ba')('aba')).toBe(false);
  });

  it('do not backtrack on hostile patterns', () => {
    const pattern = `${'*a'.repeat(90)}*b`;
    expect(compileGlob(pattern)('a'.repeat(50_000))).toBe(false);
  });
});
