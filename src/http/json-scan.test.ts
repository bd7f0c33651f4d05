import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FRAME_CHOICES,
  FRAME_CONTENT,
  FRAME_ERROR,
  FRAME_FINISH_REASON,
  FRAME_INVALID,
  FRAME_ROLE,
  FRAME_TOOL_CALLS,
  FRAME_USAGE,
  scanFrame,
} from './json-scan.ts';

function scan(text: string): number {
  const bytes = Buffer.from(text);
  return scanFrame(bytes, 0, bytes.length);
}

function parsesAsObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

describe('U6 scanFrame', () => {
  it('agrees with JSON.parse on generated objects, in every spacing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (value, indent) => {
        expect(scan(JSON.stringify(value, null, indent))).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('agrees with JSON.parse on objects damaged by one byte', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary-ascii' }), fc.jsonValue()),
        fc.nat(),
        fc.integer({ min: 0x20, max: 0x7e }),
        (value, position, byte) => {
          const bytes = Buffer.from(JSON.stringify(value));
          bytes[position % bytes.length] = byte;
          const text = bytes.toString();
          fc.pre(Buffer.from(text).equals(bytes));
          expect(scanFrame(bytes, 0, bytes.length) !== FRAME_INVALID).toBe(parsesAsObject(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    '{',
    '{"a":1',
    '{"a":1}}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":"\\x"}',
    '{"a":"\u0001"}',
    '{a:1}',
    '{"a":1,}',
    '[1,]',
    'null',
    '1',
    '"x"',
    '{"a":tru}',
    '{"a":1}{"b":2}',
  ])('refuses %j', (text) => {
    expect(scan(text)).toBe(FRAME_INVALID);
  });

  it('flags noted keys only when they carry a value', () => {
    expect(scan('{"usage":null,"x":[{"finish_reason":null,"delta":{}}]}')).toBe(0);
    expect(scan('{"usage":{"x":1}}')).toBe(FRAME_USAGE);
    expect(scan('{"choices":[{"finish_reason":"stop"}]}')).toBe(
      FRAME_CHOICES | FRAME_FINISH_REASON,
    );
    expect(scan('{"error":{}}')).toBe(FRAME_ERROR);
    expect(scan('{"choices":[{"delta":{"role":"assistant","content":"a","tool_calls":[]}}]}')).toBe(
      FRAME_CHOICES | FRAME_ROLE | FRAME_CONTENT | FRAME_TOOL_CALLS,
    );
  });

  it('does not take a key out of a string value', () => {
    expect(scan('{"a":"{\\"usage\\":1}","b":"usage"}')).toBe(0);
  });
});
