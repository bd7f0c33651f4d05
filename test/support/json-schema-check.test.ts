import { describe, expect, it } from 'vitest';
import { JsonSchemaCheck } from './json-schema-check.ts';

const check = new JsonSchemaCheck({
  defs: { Name: { type: 'string', minLength: 2 }, 'A/B': { enum: ['a', 1] } },
});

describe('structural schema check', () => {
  it.each<[object, unknown]>([
    [{ type: 'integer' }, 3],
    [{ type: ['string', 'null'] }, null],
    [{ type: 'string', nullable: true }, null],
    [{ $ref: '#/defs/Name' }, 'ab'],
    [{ $ref: '#/defs/Name', nullable: true }, null],
    [{ $ref: '#/defs/A~1B' }, 1],
    [
      { type: 'object', required: ['a'], properties: { a: { const: 1 } } },
      { a: 1, other: 2 },
    ],
    [{ type: 'array', items: { type: 'number' }, maxItems: 2 }, [1, 2.5]],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, null],
    [{ allOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1, b: 2 }],
    [{ type: 'object', additionalProperties: { type: 'number' } }, { a: 1 }],
  ])('accepts %j for %j', (schema, value) => {
    expect(check.problems({ ...schema }, value)).toEqual([]);
  });

  it.each<[object, unknown, string]>([
    [{ type: 'integer' }, 3.5, '$: is 3.5, not integer'],
    [{ type: 'object' }, [], '$: is [], not object'],
    [{ type: 'string' }, null, '$: is null, not string'],
    [{ $ref: '#/defs/Name' }, 'a', '$: is below 2'],
    [{ required: ['a'] }, {}, '$.a: is missing'],
    [{ items: { enum: ['x'] } }, ['x', 'y'], '$[1]: "y" is none of ["x"]'],
    [{ allOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1 }, '$.b: is missing'],
    [{ additionalProperties: false, properties: {} }, { a: 1 }, '$.a: is not a member'],
    [{ additionalProperties: { type: 'number' } }, { a: '1' }, '$.a: is "1", not number'],
    [{ oneOf: [{ type: 'string' }, { required: ['a'] }] }, {}, '$: is {}, not string'],
  ])('%j refuses %j: %s', (schema, value, problem) => {
    expect(check.problems({ ...schema }, value)).toEqual([problem]);
  });

  it('does not take inherited members for present ones', () => {
    expect(check.problems({ required: ['constructor'] }, {})).toEqual([
      '$.constructor: is missing',
    ]);
  });

  it('throws for a reference to nothing', () => {
    expect(() => check.problems({ $ref: '#/defs/None' }, 1)).toThrow('#/defs/None');
  });
});
