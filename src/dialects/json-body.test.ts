import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGatewayError } from '../contracts/gateway-error.ts';
import { parseJsonObject, readJsonBody } from './json-body.ts';

function refusal(text: string | Buffer, maxDepth = 8): { message: string; param: string | null } {
  try {
    parseJsonObject(Buffer.from(text), maxDepth);
  } catch (error) {
    if (isGatewayError(error) && error.code === 'invalid_request') {
      return { message: error.message, param: error.param };
    }
    throw error;
  }
  throw new Error('was accepted');
}

describe('parseJsonObject', () => {
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (body) => {
        const text = JSON.stringify(body);
        expect(parseJsonObject(Buffer.from(text), 100)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('says the bytes as letters where the text is ASCII, and only there', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.string()), (body) => {
        const bytes = Buffer.from(JSON.stringify(body));
        const { letters } = readJsonBody(bytes, 8);
        const isAscii = bytes.every((byte) => byte < 0x80);
        expect(letters).toBe(isAscii ? bytes.toString('latin1') : null);
      }),
    );
  });

  it('F53: a key that stands twice, at the top and anywhere below', () => {
    expect(refusal('{"a":1,"a":2}').param).toBe('a');
    expect(refusal('{"a":1,"\\u0061":2}').param).toBe('a');
    expect(refusal('{"m":[{"content":"x","content":[]}]}').message).toMatch(/same member twice/);
    expect(parseJsonObject(Buffer.from('{"a":{"b":1},"b":{"a":":"}}'), 8)).toEqual({
      a: { b: 1 },
      b: { a: ':' },
    });
  });

  it('F52: keys that name prototypes are plain members', () => {
    const body = parseJsonObject(Buffer.from('{"__proto__":{"x":1},"constructor":{"y":2}}'), 8);
    expect(Object.keys(body)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect(refusal('{"__proto__":1,"__proto__":2}').param).toBe('__proto__');
  });

  it('F50: depth, found before and after parsing', () => {
    const nested = (levels: number, filler: string): string =>
      `{"a":${'['.repeat(levels - 1)}"${filler}"${']'.repeat(levels - 1)}}`;
    expect(parseJsonObject(Buffer.from(nested(8, '')), 8)).toBeTypeOf('object');
    expect(refusal(nested(9, '')).message).toMatch(/deeper than 8/);
    const large = 'x'.repeat(100_000);
    expect(parseJsonObject(Buffer.from(nested(8, large)), 8)).toBeTypeOf('object');
    expect(refusal(nested(9, large)).message).toMatch(/deeper than 8/);
  });

  it('F50: more values than a body may hold', () => {
    const list = (length: number): string => `{"a":[${'1,'.repeat(length - 1)}1]}`;
    expect(parseJsonObject(Buffer.from(list(40_000)), 8)).toBeTypeOf('object');
    expect(refusal(list(60_000)).message).toMatch(/more than 50000 values/);
  });
});
