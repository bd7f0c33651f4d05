import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLACES_PER_MEMBER, scanObject, type ObjectScan } from './json-members.ts';

const CAPS = { depth: 100, values: 100_000 };

function found(text: string): ObjectScan {
  const scan = scanObject(Buffer.from(text), CAPS);
  if (typeof scan === 'string') throw new Error(`exceeds ${scan}`);
  return scan;
}

/** Keys and values as they stand, each as its own text. */
function membersOf(text: string): [string, string][] {
  const bytes = Buffer.from(text);
  const { members } = found(text);
  const texts: [string, string][] = [];
  for (let place = 0; place < members.length; place += PLACES_PER_MEMBER) {
    const [keyFrom, keyEnd, valueFrom, valueEnd] = members.slice(place, place + PLACES_PER_MEMBER);
    texts.push([
      bytes.toString('utf8', keyFrom, keyEnd),
      bytes.toString('utf8', valueFrom, valueEnd),
    ]);
  }
  return texts;
}

function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value).reduce((sum: number, one) => sum + countOf(one), 0);
  return Array.isArray(value) ? inside : inside + Object.keys(value).length;
}

/** A member as its key and its value, each in JSON. */
const member = fc.tuple(
  fc.oneof(
    fc.constantFrom('model', '__proto__', 'é', '"', '\\', '', 'a'),
    fc.string({ unit: 'binary' }),
  ),
  fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom('{"a":1}', '\\', 'x\\"', 'x'.repeat(47), `${'y'.repeat(60)}\\"\\\\`),
  ),
);
const space = fc.constantFrom('', ' ', '\n', '\r\n\t ');

describe('scanObject', () => {
  it('finds where members stand, twice or not, with whatever space around them', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 8 }), space, (members, gap) => {
        const texts = members.map(([key, value]) => [JSON.stringify(key), JSON.stringify(value)]);
        const inside = texts.map(([key, value]) => `${gap}${key}${gap}:${gap}${value}${gap}`);
        const text = `${gap}{${gap}${inside.join(',')}}${gap}`;
        expect(membersOf(text)).toEqual(texts);
        expect(Object.keys(JSON.parse(text) as object).length).toBeLessThanOrEqual(texts.length);
      }),
      { numRuns: 500 },
    );
  });

  it('F53 counts the keys of every level as they stand, duplicates included', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(2), (body, indent) => {
        expect(found(JSON.stringify(body, null, indent)).keys).toBe(countOf(body));
      }),
    );
    expect(found('{"a":[{"b":1,"b":":2"}],"a":{}}').keys).toBe(4);
  });

  it('skips long strings that end in escaped quotes and backslashes', () => {
    const long = `"${'x'.repeat(5000)}\\\\\\"${'y'.repeat(100)}"`;
    expect(membersOf(`{"a":${long},"b":1}`)).toEqual([
      ['"a"', long],
      ['"b"', '1'],
    ]);
  });

  it('F50 sees excessive depth and size without parsing', () => {
    const caps = { depth: 4, values: 10 };
    const exceeded = (text: string): string | null => {
      const scan = scanObject(Buffer.from(text), caps);
      return typeof scan === 'string' ? scan : null;
    };
    expect(exceeded('{"a":[[[1]]]}')).toBeNull();
    expect(exceeded('{"a":[[[[1]]]]}')).toBe('depth');
    expect(exceeded('{"a":[[1],[2],[3]]}')).toBeNull();
    expect(exceeded('[1,2,3,4,5,6,7,8,9,0]')).toBeNull();
    expect(exceeded('[1,2,3,4,5,6,7,8,9,0,1]')).toBe('values');
    expect(exceeded('{"a":"[[[[[[,,,,,,,,,,,\\"[[[[["}')).toBeNull();
    expect(exceeded('['.repeat(1e6))).toBe('depth');
    expect(exceeded(`{${'"a":'.repeat(1e5)}`)).toBe('values');
    expect(exceeded('"')).toBeNull();
  });

  it('F50 ends on anything, and notes no more than it may', () => {
    const piece = fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', ' ', '1', 'é', '"a":');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const scan = scanObject(Buffer.from(pieces.join('')), { depth: 20, values: 8 });
        if (typeof scan === 'string') return;
        expect(scan.members.length).toBeLessThanOrEqual(8 * PLACES_PER_MEMBER);
      }),
    );
  });
});
