import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isValidJson } from '../testing/json-schema.ts';
import { samplePattern } from './pattern-sample.ts';
import { createRandom } from './random.ts';
import { sampleSchema } from './schema-sample.ts';

const leaf = fc.oneof(
  fc.constant({ type: 'boolean' }),
  fc.constant({ type: 'null' }),
  fc.record({ type: fc.constant('string'), minLength: fc.nat(20) }),
  fc.constant({ type: 'string', format: 'date-time' }),
  fc.constant({ type: 'string', format: 'uuid' }),
  fc.constant({ type: 'string', format: 'email' }),
  fc.constant({ type: 'string', pattern: '^[A-Z]{3}-\\d{2,4}(a|bc)?$' }),
  fc.record({ enum: fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }) }),
  fc.record({ const: fc.string() }),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.nat(30))
    .map(([minimum, span]) => ({ type: 'integer', minimum, maximum: minimum + span })),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 30 }))
    .map(([low, span]) => ({
      type: 'number',
      exclusiveMinimum: low,
      exclusiveMaximum: low + span,
    })),
);

const { schema } = fc.letrec<{ schema: object; array: object; object: object; union: object }>(
  (tie) => ({
    schema: fc.oneof({ maxDepth: 3 }, leaf, tie('array'), tie('object'), tie('union')),
    array: fc
      .tuple(tie('schema'), fc.nat(2), fc.nat(2))
      .map(([items, low, span]) => ({ type: 'array', items, minItems: low, maxItems: low + span })),
    object: fc
      .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('schema'), { maxKeys: 4 })
      .map((properties) => ({
        type: 'object',
        properties,
        required: Object.keys(properties),
        additionalProperties: false,
      })),
    union: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  }),
);

test('samples are valid for their schema', () => {
  fc.assert(
    fc.property(schema, fc.nat(), (shape, seed) => {
      const value = sampleSchema(shape, createRandom(seed));
      if (!isValidJson(shape, value)) {
        expect.fail(`${JSON.stringify(value)} is not valid for ${JSON.stringify(shape)}`);
      }
    }),
    { numRuns: 300 },
  );
});

test('recursive schemas end', () => {
  const tree = {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          children: { type: 'array', items: { $ref: '#/$defs/node' } },
          next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
        },
        required: ['name', 'children', 'next'],
      },
    },
  };
  for (let seed = 0; seed < 20; seed += 1) {
    const value = sampleSchema(tree, createRandom(seed));
    expect(isValidJson(tree, value)).toBe(true);
  }
});

test("reads Google's dialect: upper-case types and nullable", () => {
  const dialect = {
    type: 'OBJECT',
    properties: { result: { type: 'INTEGER' }, note: { type: 'STRING', nullable: true } },
    required: ['result', 'note'],
  };
  const value = sampleSchema(dialect, createRandom(3));
  expect(value).toEqual({ result: expect.any(Number), note: expect.any(String) });
});

test('flattens allOf', () => {
  const shape = {
    allOf: [
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      { type: 'object', properties: { b: { type: 'integer' } }, required: ['b'] },
    ],
  };
  expect(sampleSchema(shape, createRandom(1))).toEqual({
    a: expect.any(String),
    b: expect.any(Number),
  });
});

test.each([
  '^\\d{4}-\\d{2}$',
  '^(?:red|green)+[^a-z]{2}$',
  '^\\w+@\\w+\\.(com|org)$',
  '^a?b*c{2,}$',
])('matches %s', (pattern) => {
  for (let seed = 0; seed < 30; seed += 1) {
    expect(samplePattern(pattern, createRandom(seed))).toMatch(new RegExp(pattern));
  }
});
