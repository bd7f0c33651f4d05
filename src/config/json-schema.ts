/**
 * The configuration schema as JSON Schema draft-07, the newest draft that yaml-language-server reads
 * (https://github.com/redhat-developer/yaml-language-server).
 *
 * @module
 */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** A JSON Schema node, as far as the gateway's own schema uses it. */
export interface JsonSchemaNode {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly anyOf?: readonly JsonSchemaNode[];
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly additionalProperties?: boolean | JsonSchemaNode;
  readonly items?: JsonSchemaNode;
  readonly 'x-kind'?: string;
  readonly 'x-range'?: string;
  readonly 'x-secret'?: boolean;
}

function isNode(value: unknown): value is JsonSchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

let tree: JsonSchemaNode | null = null;

/** The schema as generated: one node a setting, with kinds and secrets marked. */
export function settingTree(): JsonSchemaNode {
  tree ??= generateTree();
  return tree;
}

function generateTree(): JsonSchemaNode {
  const schema: unknown = z.toJSONSchema(configSchema, { target: 'draft-07', io: 'input' });
  if (!isNode(schema)) throw new TypeError('the configuration schema is no object schema');
  return schema;
}

const REFERENCE: JsonSchemaNode = {
  type: 'string',
  pattern: '\\$\\{[^}]+\\}',
  description: 'Taken from an environment variable or a file.',
};

/** Adds to every closed list and pattern that `${NAME}` may stand in its place. */
function withReferences(node: JsonSchemaNode, isKey: boolean): JsonSchemaNode {
  if (node.properties !== undefined || isNode(node.additionalProperties)) {
    return {
      ...node,
      ...(node.properties === undefined
        ? {}
        : {
            properties: Object.fromEntries(
              Object.entries(node.properties).map(([name, child]) => [
                name,
                withReferences(child, name === '$schema'),
              ]),
            ),
          }),
      ...(isNode(node.additionalProperties)
        ? { additionalProperties: withReferences(node.additionalProperties, false) }
        : {}),
    };
  }
  if (node.items !== undefined) return { ...node, items: withReferences(node.items, false) };
  if (isKey || (node.enum === undefined && node.pattern === undefined)) return node;
  const { description, default: preset, ...rest } = node;
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, REFERENCE],
  };
}

/** The document that `/schema/gateway.json` serves. */
export function configJsonSchema(): JsonSchemaNode {
  return {
    ...withReferences(settingTree(), false),
    title: 'ALwrity LLM Gateway configuration (gateway.yaml)',
  };
}
