/**
 * JSON Schema for `responseJsonSchema` and `parametersJsonSchema`: the schema is sent whole, and a few keywords
 * outside Gemini's subset are put into words of the subset that mean the same.
 * https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
 *
 * @module
 */
import type { Json } from '../../contracts/text.ts';

type Schema = Readonly<Record<string, Json>>;

/** Keywords that Gemini documents as understood. */
const ENFORCED: ReadonlySet<string> = new Set([
  '$id',
  '$defs',
  '$ref',
  '$anchor',
  'type',
  'format',
  'title',
  'description',
  'enum',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'anyOf',
  'oneOf',
  'properties',
  'additionalProperties',
  'required',
  'propertyOrdering',
]);

/** Keywords that constrain nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  '$schema',
  '$comment',
  'default',
  'example',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
]);

const SCHEMA_MAPS: ReadonlySet<string> = new Set(['properties', '$defs', 'patternProperties']);
const SCHEMA_LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
const SCHEMAS: ReadonlySet<string> = new Set(['items', 'additionalProperties', 'not', 'contains']);

/** A schema nested deeper is sent on as it stands. */
const DEPTH_MAX = 200;

export interface GeminiSchema {
  readonly schema: Json;
  /** Keywords that were sent although Gemini documents no enforcement of them, sorted. */
  readonly notEnforced: readonly string[];
}

function isSchema(value: Json | undefined): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * `nullable: true` of OpenAPI 3.0 → a null among the types, the alternatives and the values. Where there is no
 * place for it the word stays, and is reported.
 */
function withNull(schema: Schema): Schema {
  if (schema['nullable'] !== true) return schema;
  const { nullable: _nullable, ...rest } = schema;
  const { type } = rest;
  if (type !== undefined) {
    const types = isList(type) ? type : [type];
    return {
      ...rest,
      type: types.includes('null') ? type : [...types, 'null'],
      ...nullValue(rest),
    };
  }
  for (const keyword of ['anyOf', 'oneOf']) {
    const options = rest[keyword];
    if (isList(options))
      return { ...rest, [keyword]: [...options, { type: 'null' }], ...nullValue(rest) };
  }
  // A bare reference has no place for a null: it becomes one of two alternatives.
  const { $ref: reference, ...others } = rest;
  if (reference !== undefined) return { ...others, anyOf: [{ $ref: reference }, { type: 'null' }] };
  return isList(rest['enum']) ? { ...rest, ...nullValue(rest) } : schema;
}

function nullValue(schema: Schema): Schema {
  const values = schema['enum'];
  return isList(values) && !values.includes(null) ? { enum: [...values, null] } : {};
}

/** Beside `$ref` Gemini takes members that start with `$` only; others move around it. */
function withLoneReference(schema: Schema): Schema {
  const reference = schema['$ref'];
  if (typeof reference !== 'string' || schema['anyOf'] !== undefined) return schema;
  if (Object.keys(schema).every((keyword) => keyword.startsWith('$'))) return schema;
  const { $ref: _reference, ...rest } = schema;
  return { ...rest, anyOf: [{ $ref: reference }] };
}

/** One constant is an enumeration of one; all of one schema is any of one. */
function withSubsetWords(schema: Schema): Schema {
  const changed: Record<string, Json> = { ...schema };
  if (schema['const'] !== undefined && schema['enum'] === undefined) {
    delete changed['const'];
    changed['enum'] = [schema['const']];
  }
  const all = schema['allOf'];
  if (isList(all) && all.length === 1 && schema['anyOf'] === undefined) {
    delete changed['allOf'];
    changed['anyOf'] = all;
  }
  return changed;
}

/** `definitions` of older drafts is `$defs`, where nothing of that name stands already. */
function withNewDefinitions(schema: Schema): Schema {
  if (!isSchema(schema['definitions']) || schema['$defs'] !== undefined) return schema;
  const { definitions, ...rest } = schema;
  return { ...rest, $defs: definitions };
}

class SchemaWriter {
  readonly notEnforced = new Set<string>();
  readonly #renameDefinitions: boolean;

  constructor(renameDefinitions: boolean) {
    this.#renameDefinitions = renameDefinitions;
  }

  write(value: Json, depth: number): Json {
    if (!isSchema(value) || depth > DEPTH_MAX) return value;
    const schema = withLoneReference(withNull(withSubsetWords(value)));
    return Object.fromEntries(
      Object.entries(schema).map(([keyword, member]) => [
        keyword,
        this.#member(keyword, member, depth),
      ]),
    );
  }

  #member(keyword: string, member: Json, depth: number): Json {
    if (!ENFORCED.has(keyword) && !ANNOTATIONS.has(keyword)) this.notEnforced.add(keyword);
    if (keyword === '$ref' && typeof member === 'string' && this.#renameDefinitions) {
      return member.replace(/^#\/definitions\//, '#/$defs/');
    }
    if (SCHEMAS.has(keyword)) return this.write(member, depth + 1);
    if (SCHEMA_LISTS.has(keyword) && isList(member)) {
      return member.map((entry) => this.write(entry, depth + 1));
    }
    if (SCHEMA_MAPS.has(keyword) && isSchema(member)) {
      return Object.fromEntries(
        Object.entries(member).map(([name, entry]) => [name, this.write(entry, depth + 1)]),
      );
    }
    return member;
  }
}

/** Puts a JSON Schema into Gemini's words; nothing it says is left out. */
export function toGeminiSchema(schema: Json): GeminiSchema {
  const root = isSchema(schema) ? withNewDefinitions(schema) : schema;
  const writer = new SchemaWriter(root !== schema);
  return { schema: writer.write(root, 0), notEnforced: [...writer.notEnforced].toSorted() };
}
