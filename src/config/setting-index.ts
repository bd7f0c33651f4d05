/**
 * Looking settings up by path: which keys exist where, which are single values, which are secret, and the
 * environment variable of each.
 *
 * @module
 */
import { settingTree, type JsonSchemaNode } from './json-schema.ts';

/** One setting that holds a single value. */
export interface SettingLeaf {
  /** Dotted path, `<id>` standing for a key that the operator chooses. */
  readonly path: string;
  readonly node: JsonSchemaNode;
  /** Null inside maps and lists, which no variable can address. */
  readonly environment: string | null;
}

/** `limits.maxJsonDepth` → `GATEWAY_LIMITS_MAX_JSON_DEPTH`; a trailing `Ms` is kept. */
export function environmentNameOf(path: string): string {
  const words = path.replaceAll('.', '_').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
  return `GATEWAY_${words.toUpperCase()}`;
}

/** `dataDir` → `--data-dir`, `limits.maxJsonDepth` → `--limits-max-json-depth`. */
export function flagNameOf(path: string): string {
  const words = path.replaceAll('.', '-').replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2');
  return `--${words.toLowerCase()}`;
}

function childrenOf(node: JsonSchemaNode): readonly [string, JsonSchemaNode][] {
  return Object.entries(node.properties ?? {});
}

/** Members of a list or map that say nothing of themselves are described by it. */
function inheriting(member: JsonSchemaNode, group: JsonSchemaNode): JsonSchemaNode {
  const { description } = group;
  return member.description !== undefined || description === undefined
    ? member
    : { ...member, description };
}

function walk(node: JsonSchemaNode, path: string, addressable: boolean): readonly SettingLeaf[] {
  const prefix = path === '' ? '' : `${path}.`;
  const named = childrenOf(node).flatMap(([name, child]) =>
    walk(child, `${prefix}${name}`, addressable),
  );
  const open = node.additionalProperties;
  if (typeof open === 'object') {
    return [...named, ...walk(inheriting(open, node), `${prefix}<id>`, false)];
  }
  if (node.items !== undefined) {
    return [...named, ...walk(inheriting(node.items, node), `${path}[]`, false)];
  }
  if (node.properties !== undefined) return named;
  return [{ path, node, environment: addressable ? environmentNameOf(path) : null }];
}

/** All single-valued settings, in the order of the schema. */
export function settingLeaves(): readonly SettingLeaf[] {
  return walk(settingTree(), '', true).filter((leaf) => leaf.path !== '$schema');
}

/** The node at a path; null where no setting can stand. */
function nodeAt(path: readonly PropertyKey[]): JsonSchemaNode | null {
  let node: JsonSchemaNode | undefined = settingTree();
  for (const step of path) {
    if (typeof step === 'number') {
      node = node?.items;
      continue;
    }
    const named: Readonly<Record<string, JsonSchemaNode>> = node?.properties ?? {};
    const open: boolean | JsonSchemaNode | undefined = node?.additionalProperties;
    const key = String(step);
    node = Object.hasOwn(named, key) ? named[key] : typeof open === 'object' ? open : undefined;
    if (node === undefined) return null;
  }
  return node ?? null;
}

/** Keys that may stand at a path; empty where there are none or any may. */
export function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  const node = nodeAt(path);
  return node === null ? [] : childrenOf(node).map(([name]) => name);
}

/** True for a setting whose value is shown to nobody. */
export function isSecretPath(path: readonly PropertyKey[]): boolean {
  return nodeAt(path)?.['x-secret'] === true;
}

/** `['models', 'aliases', 0, 'alias']` → `models.aliases[0].alias`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? String(step) : `.${String(step)}`;
  }
  return text;
}
