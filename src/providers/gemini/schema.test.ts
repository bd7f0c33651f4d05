import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/text.ts';
import { toGeminiSchema } from './schema.ts';

describe('toGeminiSchema', () => {
  it('sends a schema of the subset as it stands', () => {
    const schema = {
      type: 'object',
      properties: {
        kind: { type: 'string', enum: ['a', 'b'], description: 'd' },
        count: { type: ['integer', 'null'], minimum: 1, maximum: 9 },
        list: { type: 'array', items: { $ref: '#/$defs/node' }, minItems: 1, maxItems: 3 },
        required: { type: 'boolean' },
      },
      required: ['kind', 'required'],
      additionalProperties: false,
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
    };
    expect(toGeminiSchema(schema)).toEqual({ schema, notEnforced: [] });
  });

  it.each<[string, Json, Json]>([
    ['const', { const: 'x' }, { enum: ['x'] }],
    [
      'nullable type',
      { type: 'string', nullable: true, enum: ['a'] },
      { type: ['string', 'null'], enum: ['a', null] },
    ],
    [
      'nullable alternatives',
      { anyOf: [{ type: 'string' }], nullable: true },
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
    ],
    [
      'nullable reference',
      { $ref: '#/$defs/a', nullable: true },
      { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] },
    ],
    [
      'nullable all-of-one',
      { allOf: [{ $ref: '#/$defs/a' }], nullable: true },
      { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] },
    ],
    [
      'described reference',
      { $ref: '#/$defs/a', description: 'd' },
      { description: 'd', anyOf: [{ $ref: '#/$defs/a' }] },
    ],
    [
      'old definitions',
      { $ref: '#/definitions/a', definitions: { a: { const: 1 } } },
      { $ref: '#/$defs/a', $defs: { a: { enum: [1] } } },
    ],
  ])('says %s in words of the subset', (_name, schema, expected) => {
    expect(toGeminiSchema(schema)).toEqual({ schema: expected, notEnforced: [] });
  });

  it('sends other keywords and names them', () => {
    const schema = {
      type: 'object',
      $schema: 'x',
      properties: {
        a: { type: 'string', minLength: 1, pattern: '^a', default: 'a' },
        b: { not: { multipleOf: 2 } },
      },
      if: { nullable: true },
    };
    expect(toGeminiSchema(schema)).toEqual({
      schema,
      notEnforced: ['if', 'minLength', 'multipleOf', 'not', 'pattern'],
    });
  });

  it('loses no constraint of any schema built from its own words', () => {
    const leaf = fc.record(
      {
        type: fc.constantFrom('string', 'integer'),
        minimum: fc.integer(),
        enum: fc.array(fc.string()),
        format: fc.string(),
        pattern: fc.string(),
      },
      { requiredKeys: [] },
    );
    const { node } = fc.letrec<{ node: Json }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf as fc.Arbitrary<Json>,
        fc.record(
          {
            properties: fc.dictionary(fc.string(), tie('node')),
            items: tie('node'),
            anyOf: fc.array(tie('node')),
            required: fc.array(fc.string()),
          },
          { requiredKeys: [] },
        ) as fc.Arbitrary<Json>,
      ),
    }));
    fc.assert(
      fc.property(node, (schema) => {
        expect(toGeminiSchema(schema).schema).toEqual(schema);
      }),
      { numRuns: 200 },
    );
  });

  it('survives any nesting', () => {
    let schema: Json = { type: 'string' };
    for (let depth = 0; depth < 2000; depth += 1) schema = { items: schema };
    expect(toGeminiSchema(schema).schema).toEqual(schema);
  });
});
