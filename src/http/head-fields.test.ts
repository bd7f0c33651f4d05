import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentLengthOf, HeadFields } from './head-fields.ts';

const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/;

/** The same by regular expressions: names in lower case and values, in the order of their lines; null where malformed. */
function readByExpression(text: string): (readonly [string, string])[] | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const fields: (readonly [string, string])[] = [];
  for (const line of text.slice(0, end).split('\r\n').slice(1)) {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return null;
    fields.push([name.toLowerCase(), value.replaceAll(/^[\t ]+|[\t ]+$/g, '')]);
  }
  return fields;
}

const any = fc.string({
  maxLength: 6,
  unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)),
});
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'A', 'x-Name', 'x-name', '__proto__', 'ToString') },
  // As long as another, modulo 32.
  { weight: 2, arbitrary: fc.constant(`x${'-long'.repeat(6)}ab`) },
  { weight: 1, arbitrary: any },
);
const value = fc.oneof(fc.constantFrom('', ' 1', '\t2 \t', 'b: c', 'caf\xe9'), any);
const line = fc
  .tuple(name, fc.constantFrom(':', ': ', ' :', ':\t'), value)
  .map((parts) => parts.join(''));
const end = fc.oneof(
  { weight: 40, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '', '\r\n\r\n') },
);
const head = fc
  .tuple(fc.array(fc.tuple(line, end), { maxLength: 5 }), fc.constantFrom('\r\n', '\r\n', '\r', ''))
  .map(([lines, last]) => `first\r\n${lines.flat().join('')}${last}rest: x\r\n`);

describe('HeadFields', () => {
  it('finds what regular expressions find', () => {
    let found = 0;
    fc.assert(
      fc.property(head, (text) => {
        const expected = readByExpression(text);
        const fields = HeadFields.find(Buffer.from(text, 'latin1'), 'first\r\n'.length);
        expect(fields === null).toBe(expected === null);
        if (fields === null || expected === null) return;
        found += 1;
        const lists = Map.groupBy(expected, ([key]) => key);
        expect(fields.bytes).toBe(text.indexOf('\r\n\r\n') + 4);
        expect(fields.count).toBe(expected.length);
        expect(fields.hasRepeated).toBe(lists.size < expected.length);
        for (const [key, list] of lists) {
          expect(fields.field(key)).toBe(list.map(([, one]) => one).join(', '));
          expect([fields.has(key), fields.isRepeated(key)]).toEqual([true, list.length > 1]);
        }
        lists.delete('__proto__');
        expect(new Map(Object.entries(fields.flat()))).toEqual(
          new Map([...lists].map(([key]) => [key, fields.field(key)])),
        );
        expect([fields.field('none'), fields.has('none')]).toEqual([null, false]);
      }),
      { numRuns: 2_000 },
    );
    expect(found).toBeGreaterThan(200);
  });

  it('has nothing where there are no fields', () => {
    const fields = HeadFields.find(Buffer.from('\r\nbody'), 0);
    expect([fields?.bytes, fields?.count, fields?.flat()]).toEqual([2, 0, {}]);
    expect(HeadFields.NONE.flat()).toEqual({});
  });
});

describe('a length', () => {
  it.each(['', '+1', '-1', '1.0', '1e3', ' 1', '1, 1', '0x1', '９', '9'.repeat(16)])(
    'is not "%s"',
    (text) => {
      expect(contentLengthOf(text)).toBeNull();
    },
  );

  it('is a number of up to 15 digits', () => {
    expect(['0', '007', '9'.repeat(15)].map(contentLengthOf)).toEqual([0, 7, 999_999_999_999_999]);
  });
});
