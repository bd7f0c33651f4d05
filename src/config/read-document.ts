/**
 * Reads `gateway.yaml` (or JSON, which is YAML): plain values with the line each stands on.
 *
 * @module
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import type { ConfigProblem } from './config-error.ts';
import { interpolate, type ReferenceSources } from './interpolate.ts';
import { formatPath } from './setting-index.ts';

export interface ReadDocument {
  /** The values, references replaced; an empty key (`providers:`) counts as absent. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Line of each value, by dotted path. */
  readonly lines: ReadonlyMap<string, number>;
  readonly problems: readonly ConfigProblem[];
}

/** Deeper nesting than any setting has; a bound for hostile files. */
const MAX_DEPTH = 32;

class Reader {
  readonly lines = new Map<string, number>();
  readonly problems: ConfigProblem[] = [];
  readonly #label: string;
  readonly #counter: LineCounter;
  readonly #sources: ReferenceSources;

  constructor(label: string, counter: LineCounter, sources: ReferenceSources) {
    this.#label = label;
    this.#counter = counter;
    this.#sources = sources;
  }

  /** The value of a node; undefined for an empty one and for one with a problem. */
  read(node: unknown, path: readonly PropertyKey[]): unknown {
    if (path.length > MAX_DEPTH) return this.#fail(node, path, 'is nested too deeply');
    if (isAlias(node)) {
      return this.#fail(node, path, 'is a YAML alias (*name); write the value out');
    }
    if (isScalar(node)) return this.#readScalar(node, path);
    if (isSeq(node)) {
      this.#mark(node, path);
      return node.items.map((item, index) => this.read(item, [...path, index]));
    }
    if (!isMap(node)) return undefined;
    if (path.length > 0) this.#mark(node, path);
    const entries: [string, unknown][] = [];
    for (const { key, value } of node.items) {
      if (!isScalar(key)) {
        this.#fail(key, path, 'has a key that is not plain text');
        continue;
      }
      const name = String(key.value);
      if (name === '__proto__') {
        // Assigning it would change what every later look-up sees.
        this.#fail(key, [...path, name], 'is not a setting');
        continue;
      }
      const read = this.read(value, [...path, name]);
      this.#mark(key, [...path, name]);
      if (read !== undefined) entries.push([name, read]);
    }
    return Object.fromEntries(entries);
  }

  #readScalar(node: Node & { readonly value: unknown }, path: readonly PropertyKey[]): unknown {
    this.#mark(node, path);
    const { value } = node;
    if (value === null) return undefined;
    if (typeof value !== 'string') return value;
    const result = interpolate(value, this.#sources);
    return result.type === 'resolved' ? result.text : this.#fail(node, path, result.message);
  }

  #lineOf(node: unknown): number | null {
    const range = (node as Partial<Node> | null)?.range;
    return range === null || range === undefined ? null : this.#counter.linePos(range[0]).line;
  }

  #mark(node: unknown, path: readonly PropertyKey[]): void {
    const line = this.#lineOf(node);
    if (line !== null) this.lines.set(formatPath(path), line);
  }

  #fail(node: unknown, path: readonly PropertyKey[], message: string): undefined {
    const line = this.#lineOf(node);
    const origin = line === null ? this.#label : `${this.#label}:${line}`;
    this.problems.push({ path: formatPath(path), message, origin });
    return undefined;
  }
}

/** Parses the text of a configuration file; `label` names it in problems. */
export function readConfigDocument(
  text: string,
  label: string,
  sources: ReferenceSources,
): ReadDocument {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      path: '',
      message: `is not valid YAML: ${error.message}`,
      origin: `${label}:${counter.linePos(error.pos[0]).line}`,
    }));
    return { value: {}, lines: new Map(), problems };
  }
  const reader = new Reader(label, counter, sources);
  const root: unknown = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) {
    return { value: {}, lines: reader.lines, problems: [] };
  }
  if (!isMap(root)) {
    const message = 'must hold settings as "key: value" lines';
    return { value: {}, lines: reader.lines, problems: [{ path: '', message, origin: label }] };
  }
  const value = reader.read(root, []) as Readonly<Record<string, unknown>>;
  return { value, lines: reader.lines, problems: reader.problems };
}
