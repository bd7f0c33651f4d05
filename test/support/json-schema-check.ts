/**
 * A small structural checker for the JSON Schema that vendors' OpenAPI documents use: enough to hold replies
 * against them, with the place and the reason of what does not conform.
 *
 * Keywords: `$ref`, `type` (one or several), `nullable` (OpenAPI 3.0), `enum`, `const`, `required`, `properties`,
 * `additionalProperties`, `items`, `anyOf`, `oneOf`, `allOf`, and the bounds of numbers, strings and lists. Others,
 * such as `format` and `pattern`, say nothing about structure and are not looked at.
 *
 * @module
 */

type Schema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function hasType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** Follows a `#/…` reference. */
function resolve(document: Schema, reference: string): Schema {
  let node: unknown = document;
  for (const step of reference.slice('#/'.length).split('/')) {
    node = isObject(node) ? node[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  if (!isObject(node)) throw new TypeError(`The document has no ${reference}`);
  return node;
}

function boundProblem(schema: Schema, value: unknown): string | null {
  const size =
    typeof value === 'number'
      ? { of: value, low: schema['minimum'], high: schema['maximum'] }
      : typeof value === 'string'
        ? { of: value.length, low: schema['minLength'], high: schema['maxLength'] }
        : { of: listOf(value).length, low: schema['minItems'], high: schema['maxItems'] };
  if (!Array.isArray(value) && typeof value !== 'number' && typeof value !== 'string') return null;
  if (typeof size.low === 'number' && size.of < size.low) return `is below ${size.low}`;
  return typeof size.high === 'number' && size.of > size.high ? `is above ${size.high}` : null;
}

export class JsonSchemaCheck {
  readonly #document: Schema;

  /** @param document what `#/…` references are resolved in */
  constructor(document: Schema) {
    this.#document = document;
  }

  /** What does not conform, as `path: reason`; empty when all does. */
  problems(schema: Schema, value: unknown, path = '$'): readonly string[] {
    if (value === null && schema['nullable'] === true) return [];
    const reference = schema['$ref'];
    if (typeof reference === 'string') {
      return this.problems(resolve(this.#document, reference), value, path);
    }
    const { type } = schema;
    const types = Array.isArray(type) ? listOf(type) : type === undefined ? [] : [type];
    if (types.length > 0 && !types.some((one) => hasType(value, one))) {
      return [`${path}: is ${JSON.stringify(value)?.slice(0, 80)}, not ${types.join(' or ')}`];
    }
    const allowed = schema['const'] === undefined ? listOf(schema['enum']) : [schema['const']];
    if (allowed.length > 0 && !allowed.includes(value)) {
      return [`${path}: ${JSON.stringify(value)} is none of ${JSON.stringify(allowed)}`];
    }
    const bound = boundProblem(schema, value);
    return [
      ...(bound === null ? [] : [`${path}: ${bound}`]),
      ...this.#memberProblems(schema, value, path),
      ...this.#itemProblems(schema, value, path),
      ...this.#alternativeProblems(schema, value, path),
    ];
  }

  #memberProblems(schema: Schema, value: unknown, path: string): readonly string[] {
    if (!isObject(value)) return [];
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    const missing = listOf(schema['required'])
      .filter((name) => !Object.hasOwn(value, String(name)))
      .map((name) => `${path}.${String(name)}: is missing`);
    const inside = Object.entries(value).flatMap(([name, member]) => {
      const at = `${path}.${name}`;
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (isObject(known)) return this.problems(known, member, at);
      const others = schema['additionalProperties'];
      if (others === false) return [`${at}: is not a member`];
      return isObject(others) ? this.problems(others, member, at) : [];
    });
    return [...missing, ...inside];
  }

  #itemProblems(schema: Schema, value: unknown, path: string): readonly string[] {
    const { items } = schema;
    if (!Array.isArray(value) || !isObject(items)) return [];
    return value.flatMap((item, index) => this.problems(items, item, `${path}[${index}]`));
  }

  #alternativeProblems(schema: Schema, value: unknown, path: string): readonly string[] {
    const problems = listOf(schema['allOf']).flatMap((part) =>
      this.problems(isObject(part) ? part : {}, value, path),
    );
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      const each = listOf(schema[keyword]).map((part) =>
        this.problems(isObject(part) ? part : {}, value, path),
      );
      if (each.length === 0 || each.some((found) => found.length === 0)) continue;
      // The nearest alternative explains best.
      problems.push(...(each.toSorted((a, b) => a.length - b.length)[0] ?? []));
    }
    return problems;
  }
}
