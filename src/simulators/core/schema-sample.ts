/**
 * A value that is valid for a JSON schema, chosen by a random source: structured output and tool arguments.
 * Covers draft 2020-12 as OpenAI's strict mode and Google's `responseJsonSchema` and `responseSchema` use it
 * (upper-case type names, `nullable`). Recursive schemas end at the first chance beyond a depth of five.
 *
 * @module
 */
import {
  decodeSegment,
  isJsonObject,
  listOf,
  numberOf,
  objectOf,
  stringOf,
  type JsonObject,
} from './json.ts';
import { samplePattern } from './pattern-sample.ts';
import type { SeededRandom } from './random.ts';
import { proseOf } from './text.ts';

const DEEP = 5;
const DEEPEST = 40;

interface Sampling {
  readonly root: unknown;
  readonly random: SeededRandom;
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-15T09:30:00Z',
  date: '2026-01-15',
  time: '09:30:00Z',
  duration: 'P3D',
  email: 'reader@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.7',
  ipv6: '2001:db8::7',
  uuid: '3f2b8c1e-5d4a-4e6f-9a7b-0c1d2e3f4a5b',
  uri: 'https://example.com/page',
  'uri-reference': '/page',
};

function resolve(schema: unknown, sampling: Sampling): JsonObject {
  let current = schema;
  for (let hops = 0; hops < 20; hops += 1) {
    const reference = isJsonObject(current) ? stringOf(current['$ref']) : null;
    if (reference === null || !reference.startsWith('#')) break;
    let target: unknown = sampling.root;
    for (const step of reference.slice(1).split('/').filter(Boolean)) {
      const name = decodeSegment(step).replaceAll('~1', '/').replaceAll('~0', '~');
      target = Array.isArray(target) ? target[Number(name)] : objectOf(target)[name];
    }
    current = target;
  }
  return objectOf(current);
}

/** `allOf` flattened into one schema: later members win, properties and requirements add up. */
function merged(schema: JsonObject, sampling: Sampling): JsonObject {
  const parts = listOf(schema['allOf']);
  if (parts.length === 0) return schema;
  let result: Record<string, unknown> = { ...schema };
  delete result['allOf'];
  for (const part of parts) {
    const next = merged(resolve(part, sampling), sampling);
    result = {
      ...result,
      ...next,
      properties: { ...objectOf(result['properties']), ...objectOf(next['properties']) },
      required: [...listOf(result['required']), ...listOf(next['required'])],
    };
  }
  return result;
}

function isRecursive(branch: unknown): boolean {
  return JSON.stringify(branch ?? null).includes('"$ref"');
}

function typeOf(schema: JsonObject, sampling: Sampling): string {
  const stated = schema['type'];
  const types = (Array.isArray(stated) ? stated : [stated]).filter(
    (type) => typeof type === 'string',
  );
  const named = types.map((type) => String(type).toLowerCase());
  const useful = named.filter((type) => type !== 'null');
  if (useful.length > 0) return useful[sampling.random.integer(0, useful.length - 1)] ?? 'string';
  if (named.length > 0) return 'null';
  if ('properties' in schema || 'required' in schema) return 'object';
  if ('items' in schema || 'prefixItems' in schema) return 'array';
  if ('minimum' in schema || 'maximum' in schema) return 'number';
  return 'string';
}

function sampleString(schema: JsonObject, sampling: Sampling): string {
  const pattern = stringOf(schema['pattern']);
  if (pattern !== null) return samplePattern(pattern, sampling.random);
  const format = FORMATS[stringOf(schema['format']) ?? ''];
  if (format !== undefined) return format;
  const low = numberOf(schema['minLength']) ?? 0;
  const high = numberOf(schema['maxLength']) ?? Math.max(low, 40);
  let text = proseOf(sampling.random, 3);
  while (text.length < low) text += ` ${proseOf(sampling.random, 8)}`;
  return text.slice(0, Math.max(low, Math.min(high, 40)));
}

function sampleNumber(schema: JsonObject, sampling: Sampling, whole: boolean): number {
  const step = numberOf(schema['multipleOf']) ?? (whole ? 1 : 0.5);
  const exclusiveLow = numberOf(schema['exclusiveMinimum']);
  const exclusiveHigh = numberOf(schema['exclusiveMaximum']);
  const low = exclusiveLow ?? numberOf(schema['minimum']);
  const high = exclusiveHigh ?? numberOf(schema['maximum']);
  let first = Math.ceil((low ?? Math.min(0, (high ?? 0) - 100 * step)) / step);
  let last = Math.floor((high ?? (low ?? 0) + 100 * step) / step);
  if (exclusiveLow !== null && first * step <= exclusiveLow) first += 1;
  if (exclusiveHigh !== null && last * step >= exclusiveHigh) last -= 1;
  if (last < first) {
    // No multiple fits: the middle of an open interval is valid where any number is.
    return ((low ?? 0) + (high ?? low ?? 0)) / 2;
  }
  const value = sampling.random.integer(first, Math.min(last, first + 1000)) * step;
  return Number(value.toFixed(6));
}

function sampleArray(schema: JsonObject, sampling: Sampling, depth: number): unknown[] {
  const prefix = listOf(schema['prefixItems']);
  const values = prefix.map((item) => sample(item, sampling, depth + 1));
  const low = numberOf(schema['minItems']) ?? 0;
  const high = numberOf(schema['maxItems']) ?? Math.max(low, 3);
  if (schema['items'] === false || (prefix.length > 0 && values.length >= low)) return values;
  const wanted = depth >= DEEP ? low : Math.max(low, Math.min(high, sampling.random.integer(1, 3)));
  for (let tries = 0; values.length < wanted && tries < wanted * 20; tries += 1) {
    const value = sample(schema['items'], sampling, depth + 1);
    const repeated = values.some((other) => JSON.stringify(other) === JSON.stringify(value));
    if (schema['uniqueItems'] !== true || !repeated) values.push(value);
  }
  return values;
}

function sampleObject(schema: JsonObject, sampling: Sampling, depth: number): JsonObject {
  const properties = objectOf(schema['properties']);
  const required = new Set(listOf(schema['required']).map(String));
  const names = new Set([...Object.keys(properties), ...required]);
  const result: Record<string, unknown> = {};
  for (const name of names) {
    if (!required.has(name) && depth >= DEEP) continue;
    const value = sample(properties[name] ?? { type: 'string' }, sampling, depth + 1);
    Object.defineProperty(result, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return result;
}

function sample(input: unknown, sampling: Sampling, depth: number): unknown {
  if (depth > DEEPEST) return null;
  const schema = merged(resolve(input, sampling), sampling);
  if ('const' in schema) return schema['const'];
  const values = listOf(schema['enum']);
  if (values.length > 0) return values[sampling.random.integer(0, values.length - 1)];
  const branches = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
  if (branches.length > 0) {
    const closed = branches.filter((branch) => !isRecursive(branch));
    const useful = depth >= DEEP && closed.length > 0 ? closed : branches;
    const branch = useful[depth >= DEEP ? 0 : sampling.random.integer(0, useful.length - 1)];
    const { anyOf: _anyOf, oneOf: _oneOf, ...rest } = schema;
    return sample(
      'properties' in rest ? { ...rest, allOf: [branch] } : branch,
      sampling,
      depth + 1,
    );
  }
  const type = typeOf(schema, sampling);
  if (type === 'null') return null;
  const stated = listOf(schema['type']).map((name) => String(name).toLowerCase());
  if (depth >= DEEP && (schema['nullable'] === true || stated.includes('null'))) return null;
  if (type === 'object') return sampleObject(schema, sampling, depth);
  if (type === 'array') return sampleArray(schema, sampling, depth);
  if (type === 'integer' || type === 'number') {
    return sampleNumber(schema, sampling, type === 'integer');
  }
  return type === 'boolean' ? sampling.random.integer(0, 1) === 1 : sampleString(schema, sampling);
}

/** A value that the schema accepts. */
export function sampleSchema(schema: unknown, random: SeededRandom): unknown {
  return sample(schema, { root: schema, random }, 0);
}
